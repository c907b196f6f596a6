/** Error documents (COS page 436/7730). */
import { type DocumentReply, type ReplyContext, sendDocument } from './document-reply.ts';
import type { CosError } from './errors.ts';
import { type XmlChild, xmlDocument, xmlElement } from './xml-writer.ts';

export interface Refusal {
  /** Also codes the embedded COS never uses by itself: a fault script may name any. */
  readonly code: string;
  readonly message: string;
}

export function sendError(error: CosError, context: ReplyContext): void {
  const { kind, httpStatus, message, headers } = error;
  sendRefusal({ status: httpStatus, headers, code: kind, message }, context);
}

export function sendRefusal(
  refusal: Refusal & Pick<DocumentReply, 'status' | 'headers'>,
  context: ReplyContext,
): void {
  const headers = { ...refusal.headers, 'x-cos-trace-id': traceIdOf(context) };
  const xml = xmlDocument('Error', errorFields(refusal, context));
  sendDocument({ status: refusal.status, headers, ...(!context.isHead && { xml }) }, context);
}

/** Without the prolog: it may stand behind white space. */
export function errorElement(refusal: Refusal, context: ReplyContext): string {
  return xmlElement('Error', errorFields(refusal, context));
}

function errorFields({ code, message }: Refusal, context: ReplyContext): readonly XmlChild[] {
  return [
    ['Code', code],
    ['Message', message],
    ['Resource', context.resource()],
    ['RequestId', context.requestId],
    ['TraceId', traceIdOf(context)],
  ];
}

function traceIdOf({ requestId }: ReplyContext): string {
  return Buffer.from(`trace_${requestId}`).toString('base64');
}
