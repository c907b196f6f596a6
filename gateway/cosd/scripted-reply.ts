/** The acts of a fault script that stand in for the work itself. */
import type { IncomingMessage } from 'node:http';
import type { ReplyContext } from './document-reply.ts';
import { sendRefusal } from './error-reply.ts';
import type { FaultAct } from './fault-script.ts';
import { interruptionAt } from './spoil.ts';

/** Whether the script took the request over, before its signature or its body were looked at. */
export function failsAtOnce(context: ReplyContext): boolean {
  const { acts, interrupt } = context;
  const breaking = interruptionAt(acts, 'request');
  if (breaking) interrupt(breaking.how);
  else if (acts.answer) sendAnswer(acts.answer, context);
  else if (acts.error && acts.error.when !== 'after-body') sendScriptedError(acts.error, context);
  else return false;
  return true;
}

/** Whether the script refuses the request, after all of its body was received and thrown away. */
export async function failsAfterBody(
  incoming: IncomingMessage,
  context: ReplyContext,
): Promise<boolean> {
  const { error } = context.acts;
  if (error?.when !== 'after-body') return false;
  for await (const chunk of incoming) void chunk;
  sendScriptedError(error, context);
  return true;
}

function sendScriptedError(act: Extract<FaultAct, { do: 'error' }>, context: ReplyContext): void {
  const { status, code, message = 'Scripted failure.' } = act;
  sendRefusal({ status, headers: {}, code, message }, context);
}

/** Word for word. */
function sendAnswer(
  { status, body, contentType = 'text/html' }: Extract<FaultAct, { do: 'answer' }>,
  { outgoing, requestId, isHead }: ReplyContext,
): void {
  outgoing.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'x-cos-request-id': requestId,
  });
  outgoing.end(isHead ? undefined : body);
}
