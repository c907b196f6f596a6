/**
 * What the fake API server does to objects: merge patch, JSON patch and the subset of server-side apply
 * that the operator meets: keyed lists, and fields that vanish once their manager no longer sends them.
 * Other managers' conflicts are not modelled: the operator always forces.
 */

export type Json = Record<string, unknown>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch;
  const result: Json = isJson(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902: add, remove, replace, test. @throws when a path is not there or a test fails. */
export function jsonPatch(target: Json, operations: readonly Operation[]): Json {
  const result = structuredClone(target);
  for (const { op, path, value } of operations) {
    const parts = path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = parts.pop() ?? '';
    const parent = parts.reduce<unknown>((at, part) => (at as Json | undefined)?.[part], result);
    if (typeof parent !== 'object' || parent === null) throw new Error(`no path ${path}`);
    change(parent as Json | unknown[], last, op, value, path);
  }
  return result;
}

function change(parent: Json | unknown[], key: string, op: string, value: unknown, path: string) {
  const isThere = Array.isArray(parent) ? Number(key) < parent.length : Object.hasOwn(parent, key);
  if (op !== 'add' && !isThere) throw new Error(`no path ${path}`);
  const current = (parent as Json)[key];
  if (op === 'test') {
    if (JSON.stringify(current) !== JSON.stringify(value))
      throw new Error(`test of ${path} failed`);
  } else if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : Number(key);
    parent.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]));
  } else if (op === 'remove') {
    delete parent[key];
  } else {
    parent[key] = value;
  }
}

/** Field name of a list → the fields that identify its items. All other lists are replaced whole. */
const listKeys: Readonly<Record<string, readonly (readonly string[])[]>> = {
  ports: [
    ['port', 'protocol'],
    ['containerPort', 'protocol'],
  ],
  containers: [['name']],
  initContainers: [['name']],
  volumes: [['name']],
  env: [['name']],
  volumeMounts: [['mountPath']],
  conditions: [['type']],
  ownerReferences: [['uid']],
  imagePullSecrets: [['name']],
};

/**
 * @param before what the same manager applied last, if anything: what it had and `wished` has no more
 *   goes away.
 */
export function applyObject(live: unknown, before: unknown, wished: unknown): unknown {
  return applyValue('', live, before, wished);
}

function applyValue(field: string, live: unknown, before: unknown, wished: unknown): unknown {
  if (isJson(wished)) return applyFields(live, before, wished);
  if (Array.isArray(wished)) return applyList(field, live, before, wished);
  return wished;
}

function applyFields(live: unknown, before: unknown, wished: Json): Json {
  const result: Json = isJson(live) ? { ...live } : {};
  const old = isJson(before) ? before : {};
  for (const key of Object.keys(old)) {
    if (!Object.hasOwn(wished, key)) withdraw(result, key, old[key]);
  }
  for (const [key, value] of Object.entries(wished)) {
    if (value !== undefined) result[key] = applyValue(key, result[key], old[key], value);
  }
  return result;
}

/** Takes away what the manager owned, and keeps what others put beside it. */
function withdraw(result: Json, key: string, owned: unknown): void {
  const live = result[key];
  if (!isJson(owned) || !isJson(live)) {
    delete result[key];
    return;
  }
  const rest = applyFields(live, owned, {});
  if (Object.keys(rest).length === 0) delete result[key];
  else result[key] = rest;
}

function applyList(field: string, live: unknown, before: unknown, wished: unknown[]): unknown[] {
  const keys = listKeys[field]?.find(([first = '']) => wished.every((item) => has(item, first)));
  if (!keys || !Array.isArray(live)) return wished;
  const keyOf = (item: unknown) => {
    const fields = isJson(item) ? item : {};
    return JSON.stringify(keys.map((key) => fields[key] ?? (key === 'protocol' ? 'TCP' : '')));
  };
  const find = (list: unknown, key: string) =>
    Array.isArray(list) ? list.find((item) => keyOf(item) === key) : undefined;
  const merged = wished.map((item) =>
    applyFields(find(live, keyOf(item)), find(before, keyOf(item)), item as Json),
  );
  const strangers = live.filter(
    (item) => find(wished, keyOf(item)) === undefined && find(before, keyOf(item)) === undefined,
  );
  return [...merged, ...strangers];
}

function has(item: unknown, field: string): boolean {
  return isJson(item) && item[field] !== undefined;
}
