/** Which function carries out which operation. A new operation does not compile without its line. */
import { getBucket, headBucket } from './bucket-operations.ts';
import { copyObject, copyPart } from './copy-operations.ts';
import type { Handler } from './exchange.ts';
import {
  abortUpload,
  completeUpload,
  initiateUpload,
  listParts,
  listUploads,
  uploadPart,
} from './multipart-operations.ts';
import {
  deleteObject,
  deleteObjects,
  getObject,
  headObject,
  putObject,
} from './object-operations.ts';
import type { Operation } from './operation.ts';

export const handlers = {
  GetBucket: getBucket,
  HeadBucket: headBucket,
  ListMultipartUploads: listUploads,
  DeleteMultipleObjects: deleteObjects,
  PutObject: putObject,
  PutObjectCopy: copyObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  InitiateMultipartUpload: initiateUpload,
  UploadPart: uploadPart,
  UploadPartCopy: copyPart,
  ListParts: listParts,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
} satisfies Record<Operation, Handler>;
