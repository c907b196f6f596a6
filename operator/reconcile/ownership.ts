/** Whose an object is, told by its controller reference. Pure. */
import { ReconcileError } from './errors.ts';

export interface OwnedObject {
  readonly kind?: string | undefined;
  readonly metadata?: {
    readonly name?: string | undefined;
    readonly ownerReferences?: readonly OwnerReference[] | undefined;
  };
}

interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean | undefined;
}

export interface Owner {
  readonly name: string;
  readonly uid: string;
}

export function isOwnedBy(owner: Owner, object: OwnedObject): boolean {
  return controllerOf(object)?.uid === owner.uid;
}

/**
 * @throws ReconcileError `leftover-object` for an object of an earlier gateway of this name, which the
 *   garbage collector is about to remove; `foreign-object` for everything that is not the owner's.
 */
export function assertOwnedBy(owner: Owner, object: OwnedObject): void {
  if (isOwnedBy(owner, object)) return;
  const what = `${object.kind ?? 'object'} ${object.metadata?.name ?? ''}`;
  const controller = controllerOf(object);
  if (controller?.kind === 'FtpGateway' && controller.name === owner.name) {
    throw new ReconcileError(
      'leftover-object',
      `the ${what} of an earlier gateway of this name is still being removed`,
    );
  }
  const whose = controller ? `belongs to the ${controller.kind} ${controller.name}` : 'exists';
  throw new ReconcileError(
    'foreign-object',
    `the ${what} ${whose}${controller ? '' : ' already and was not made for this gateway'}`,
    { hint: 'rename the gateway, or remove that object' },
  );
}

function controllerOf(object: OwnedObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}
