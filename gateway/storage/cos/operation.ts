/**
 * The requests the driver makes, by the names COS documents and CAM policies use
 * (`name/cos:PutObject`). They appear in error messages, logs and metric labels.
 */

export const cosOperations = [
  'HeadBucket',
  'GetBucket',
  'HeadObject',
  'GetObject',
  'PutObject',
  'PutObjectCopy',
  'DeleteObject',
  'InitiateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'ListMultipartUploads',
] as const;

export type CosOperation = (typeof cosOperations)[number];
