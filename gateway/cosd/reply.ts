/** Puts an answer on the wire: one function per kind of reply. */
import { losesReply, type ReplyContext, sendDocument } from './document-reply.ts';
import type { Reply } from './exchange.ts';
import { sendObject } from './object-reply.ts';
import { sendSlowly } from './slow-reply.ts';

/**
 * Resolves when the last byte was handed to the socket, or the connection is over.
 * Rejects with what the work of a slow reply rejects with, as long as nothing was sent.
 */
export async function sendReply(reply: Reply, context: ReplyContext): Promise<void> {
  switch (reply.kind) {
    case 'document':
      if (!losesReply(context)) sendDocument(reply, context);
      return;
    case 'object':
      return sendObject(reply, context);
    case 'slow':
      return sendSlowly(reply, context);
  }
}
