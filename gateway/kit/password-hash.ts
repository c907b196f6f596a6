/**
 * The text form of a stored password: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, in the layout of the PHC
 * string format (base64 without padding). Only reads and writes that text; computing a hash is the auth
 * room's work. The bounds keep a hash from a file from taking the machine's memory or time.
 */

export interface PasswordHash {
  /** log2 of scrypt's N. */
  readonly costLog2: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Memory one verification may take: 256 MiB (scrypt takes 128 × N × r bytes, RFC 7914 section 2). */
export const passwordHashMemoryBytesMax: number = 256 * 2 ** 20;

const layout =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Whether the text means to be a hash, well-formed or not: such a text is never a plain password. */
export function claimsPasswordHash(text: string): boolean {
  return text.startsWith('$scrypt$');
}

/** The parts, or undefined when the text is no hash of ours or asks for more than the bounds allow. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, costText, blockText, parallelText, saltText, hashText] = layout.exec(text) ?? [];
  if (saltText === undefined || hashText === undefined) return undefined;
  const costLog2 = Number(costText);
  const blockSize = Number(blockText);
  const parallelism = Number(parallelText);
  if (costLog2 < 10 || blockSize < 1 || parallelism < 1 || parallelism > 16) return undefined;
  if (128 * 2 ** costLog2 * blockSize > passwordHashMemoryBytesMax) return undefined;
  return {
    costLog2,
    blockSize,
    parallelism,
    salt: Buffer.from(saltText, 'base64'),
    hash: Buffer.from(hashText, 'base64'),
  };
}

export function formatPasswordHash(parts: PasswordHash): string {
  const { costLog2, blockSize, parallelism, salt, hash } = parts;
  const parameters = `ln=${costLog2},r=${blockSize},p=${parallelism}`;
  return `$scrypt$${parameters}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
