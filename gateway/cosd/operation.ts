/**
 * Which COS operation a request is, by method, resource, parameters and the copy header. Names are those
 * of the COS documents and of CAM policies (`name/cos:PutObject`), with the copies told apart.
 */
import { CosError } from './errors.ts';

export const operations = [
  'GetBucket',
  'HeadBucket',
  'ListMultipartUploads',
  'DeleteMultipleObjects',
  'PutObject',
  'PutObjectCopy',
  'GetObject',
  'HeadObject',
  'DeleteObject',
  'InitiateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
  'ListParts',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
] as const;

export type Operation = (typeof operations)[number];

export interface OperationShape {
  readonly method: string;
  /** Empty: the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** Whether x-cos-copy-source was sent. */
  readonly isCopy: boolean;
}

/** @throws CosError MethodNotAllowed, or NotImplemented for a sub-resource the embedded COS lacks. */
export function operationOf(shape: OperationShape): Operation {
  for (const parameter of shape.query.keys()) {
    if (foreignSubresources.has(parameter)) throw new CosError('NotImplemented');
  }
  const operation = shape.key === '' ? bucketOperation(shape) : objectOperation(shape);
  if (!operation) throw new CosError('MethodNotAllowed');
  return operation;
}

/** Sub-resources of COS that would otherwise be taken for the plain resource. */
const foreignSubresources: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'append',
  'cors',
  'domain',
  'encryption',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'origin',
  'policy',
  'referer',
  'replication',
  'restore',
  'retention',
  'select',
  'tagging',
  'versioning',
  'versions',
  'website',
]);

function bucketOperation({ method, query }: OperationShape): Operation | undefined {
  if (method === 'GET') return query.has('uploads') ? 'ListMultipartUploads' : 'GetBucket';
  if (method === 'HEAD') return 'HeadBucket';
  if (method === 'POST' && query.has('delete')) return 'DeleteMultipleObjects';
  return undefined;
}

function objectOperation({ method, query, isCopy }: OperationShape): Operation | undefined {
  const ofUpload = query.has('uploadId');
  switch (method) {
    case 'PUT':
      if (ofUpload || query.has('partNumber')) return isCopy ? 'UploadPartCopy' : 'UploadPart';
      return isCopy ? 'PutObjectCopy' : 'PutObject';
    case 'GET':
      return ofUpload ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'DELETE':
      return ofUpload ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'POST':
      if (query.has('uploads')) return 'InitiateMultipartUpload';
      return ofUpload ? 'CompleteMultipartUpload' : undefined;
    default:
      return undefined;
  }
}
