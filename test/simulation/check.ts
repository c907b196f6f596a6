/**
 * What must be true when a session has its reply, and when everything has come to rest. Each check returns
 * what is wrong, in words, or undefined. It judges by the bucket's history and by what the client sent,
 * never by what the gateway believes.
 */
import type { Reply } from '#gateway/ftp/replies.ts';
import { type Body, isSameBody } from './body.ts';
import type { SimulatedCos, Version } from './cos.ts';
import type { RenameSession } from './rename-session.ts';
import type { UploadSession } from './session.ts';

/** To be asked in the moment of the reply, and again at rest: late requests may have arrived since. */
export function checkUpload(cos: SimulatedCos, session: UploadSession): string | undefined {
  const { script, replies, startedMs } = session;
  const [reply] = replies;
  if (!reply || replies.length > 1) return `${replies.length} replies instead of one`;
  const versions = cos.versions(script.key);
  const own = versions.filter(({ author }) => author.name === script.name);
  const stored = storedBy(reply, session);
  if (reply.code === 226) {
    if (!session.whole) return '226, though the client did not end its data';
    if (session.whole.sizeBytes > script.limitBytes) return '226 for more than the limit';
    if (session.wasCommittedAgainstEvidence) return '226 against the evidence';
  }
  if (stored && !wasThere(versions, stored, { startedMs, name: script.name })) {
    return `${reply.code} ${reply.text}, and the object differs from the bytes sent`;
  }
  for (const version of own) {
    const wrong =
      checkVersion(version, session) ??
      (stored ? undefined : checkTold(versions, version, session));
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** What a reply says is in COS; undefined when it says nothing. */
function storedBy(reply: Reply, session: UploadSession): Body | undefined {
  if (reply.code === 226) return session.whole;
  const told = /(\d+) bytes received were stored/.exec(reply.text)?.[1];
  const { partial, whole } = session;
  return [partial, whole].find((body) => body && Number(told) === body.sizeBytes);
}

function checkVersion({ body, author }: Version, session: UploadSession): string | undefined {
  if (author.isDamaged) return undefined; // COS's own doing, which the reply must not call stored
  const { whole, partial, script, wasCommittedAgainstEvidence } = session;
  const isWhole = body !== undefined && isSameBody(body, whole);
  const isPartial = body !== undefined && isSameBody(body, partial);
  if (!isWhole && !isPartial) {
    return `the object became ${body?.sizeBytes} bytes that are neither all nor what the policy keeps`;
  }
  if (wasCommittedAgainstEvidence && script.policy === 'discard') {
    return 'the object was replaced against the evidence';
  }
  return undefined;
}

/** A failure may be told only where COS's answer did not come, or others replaced the object at once. */
function checkTold(
  versions: readonly Version[],
  version: Version,
  { replies: [reply], repliedMs }: UploadSession,
): string | undefined {
  const { author } = version;
  const next = versions[versions.indexOf(version) + 1];
  const isReplaced = next !== undefined && next.fromMs <= repliedMs;
  if (author.isDamaged || !author.isTold || isReplaced) return undefined;
  return `stored, COS said so, and the reply is ${reply?.code}`;
}

/**
 * Whether the object was these bytes at some moment between start and now, and the session itself did not
 * change that afterwards; others may have.
 */
function wasThere(
  versions: readonly Version[],
  wanted: Body,
  { startedMs, name }: { readonly startedMs: number; readonly name: string },
): boolean {
  const last = versions.findLastIndex(({ body, fromMs }, index) => {
    const untilMs = versions[index + 1]?.fromMs ?? Infinity;
    return body !== undefined && isSameBody(body, wanted) && Math.max(fromMs, untilMs) >= startedMs;
  });
  return last !== -1 && versions.slice(last + 1).every(({ author }) => author.name !== name);
}

export function checkRename(cos: SimulatedCos, session: RenameSession): string | undefined {
  const { script, replies, startedMs, body } = session;
  const [reply] = replies;
  if (!reply || replies.length > 1) return `${replies.length} replies instead of one`;
  if (!body) return 'there was nothing to rename';
  const source = cos.body(script.sourceKey);
  const isMoved = wasThere(cos.versions(script.key), body, { startedMs, name: script.name });
  if (reply.code === 250 && !isMoved) return '250, and the target differs';
  if (reply.code === 250 && source) return '250, and the old name still exists';
  if (!isMoved && !(source && isSameBody(source, body))) return 'the file is under neither name';
  return undefined;
}
