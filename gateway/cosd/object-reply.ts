/** Replies that are the bytes of an object: with Content-Length, never chunked. */
import type { ServerResponse } from 'node:http';
import { finishHeaders, losesReply, type ReplyContext } from './document-reply.ts';
import type { Reply } from './exchange.ts';
import { downloadSpoiler } from './spoil.ts';

/** Resolves when the last byte was handed to the socket, or the connection is over. */
export async function sendObject(
  reply: Extract<Reply, { kind: 'object' }>,
  context: ReplyContext,
): Promise<void> {
  const { outgoing } = context;
  const { body } = reply.object;
  try {
    if (losesReply(context)) return;
    outgoing.writeHead(reply.status, finishHeaders(reply.headers, context));
    const spoil = downloadSpoiler(context.acts, context.interrupt);
    for await (const chunk of body.read(reply.offsetBytes, reply.lengthBytes)) {
      const sent = spoil ? spoil(chunk) : { chunk, goesOn: true };
      const hasRoom = outgoing.write(sent.chunk);
      if (!sent.goesOn || outgoing.destroyed) return;
      if (!hasRoom) await roomIn(outgoing);
    }
    outgoing.end();
  } finally {
    await body.close();
  }
}

/** Resolves when the socket took what was written, or is gone. */
function roomIn(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go).off('close', go);
      resolve();
    };
    outgoing.on('drain', go).on('close', go);
  });
}
