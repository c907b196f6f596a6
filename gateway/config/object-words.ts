/**
 * Words about what stored files carry besides their bytes. They stand at the top for every account, and
 * in an account for its own files: single words go before the gateway's, maps go over them entry by
 * entry, and an empty entry takes the gateway's away. Pure.
 */
import * as z from 'zod';
import type { Issue, PartialConfig } from './check.ts';
import * as fields from './fields.ts';
import { type ObjectWords, serverSideEncryptions, storageClasses } from './model.ts';
import { type Block, isBlock, isWritten, type Path, writtenAccounts } from './origin.ts';

const byExtension = z.record(fields.extension, fields.contentType);
const metadata = z.record(fields.metadataName, fields.metadataValue);
const storageClass = fields.choice(storageClasses);
const encryption = fields.choice(serverSideEncryptions);

/** Of the gateway's block. */
export const objectWords = {
  content_types: byExtension
    .exactOptional()
    .describe(
      'content type by file extension, over the common ones that are known; "*" = every other file',
    ),
  storage_class: storageClass
    .exactOptional()
    .describe(
      'COS storage class of new files; left out = the bucket’s; ARCHIVE and DEEP_ARCHIVE cannot be ' +
        'read, renamed or appended to before they are restored',
    ),
  server_side_encryption: encryption
    .default('bucket_default')
    .describe(
      'of new files: AES256 (SSE-COS), cos/kms (SSE-KMS) or what the bucket’s setting says',
    ),
  kms_key_id: fields.kmsKeyId
    .exactOptional()
    .describe('key for cos/kms; left out = the default key of the Tencent Cloud account'),
  metadata: metadata
    .exactOptional()
    .describe('x-cos-meta-… of new files, without the prefix: origin: ftp'),
} as const;

/** Of an account's block. */
export const accountObjectWords = {
  content_types: byExtension.exactOptional().describe('over the gateway’s, extension by extension'),
  storage_class: storageClass.exactOptional().describe('instead of the gateway’s'),
  server_side_encryption: encryption.exactOptional().describe('instead of the gateway’s'),
  kms_key_id: fields.kmsKeyId.exactOptional().describe('instead of the gateway’s'),
  metadata: metadata.exactOptional().describe('over the gateway’s, name by name'),
} as const;

interface WrittenObjectWords {
  readonly content_types?: Readonly<Record<string, string>>;
  readonly storage_class?: ObjectWords['storage_class'] & string;
  readonly server_side_encryption?: ObjectWords['server_side_encryption'];
  readonly kms_key_id?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What counts for an account, both blocks being free of issues. */
export function mergeObjectWords(
  shared: WrittenObjectWords,
  own: WrittenObjectWords = {},
): ObjectWords {
  const storage_class = own.storage_class ?? shared.storage_class;
  const server_side_encryption =
    own.server_side_encryption ?? shared.server_side_encryption ?? 'bucket_default';
  const kms_key_id = own.kms_key_id ?? shared.kms_key_id;
  return {
    content_types: mergeMaps(shared.content_types, own.content_types),
    ...(storage_class !== undefined && { storage_class }),
    server_side_encryption,
    ...(server_side_encryption === 'cos/kms' && kms_key_id !== undefined && { kms_key_id }),
    metadata: mergeMaps(shared.metadata, own.metadata),
  };
}

type Entries = Readonly<Record<string, string | undefined>>;

function mergeMaps(shared: Entries = {}, own: Entries = {}): Readonly<Record<string, string>> {
  const entries = Object.entries({ ...shared, ...own });
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
}

/** One entry, and all of them, names without the prefix (COS page 436/7746); the rest is for mtime. */
const metadataEntryBytesMax = 2048;
const metadataBytesMax = 4000;

/** What the words contradict. */
export function objectIssues(config: PartialConfig, written: Block): Issue[] {
  return [...keyIssues(config, written), ...metadataIssues(config, written)];
}

function keyIssues(config: PartialConfig, written: Block): Issue[] {
  const shared = config.server_side_encryption;
  const accounts = writtenAccounts(written).map(({ account, index }) => ({
    hasKey: isWritten(account['kms_key_id']),
    encryption: config.accounts?.[index]?.server_side_encryption ?? shared,
    path: ['accounts', index],
  }));
  const isUsed = [shared, ...accounts.map(({ encryption }) => encryption)].includes('cos/kms');
  const gateway = {
    hasKey: isWritten(written['kms_key_id']) && !isUsed,
    encryption: shared,
    path: [],
  };
  return [gateway, ...accounts]
    .filter(({ hasKey, encryption }) => hasKey && encryption !== undefined)
    .filter(({ encryption }) => encryption !== 'cos/kms')
    .map(({ path }) => ({
      path: [...path, 'kms_key_id'],
      message: 'is the key for a kind of encryption that is not chosen',
      hint: 'set server_side_encryption: cos/kms as well',
    }));
}

function metadataIssues(config: PartialConfig, written: Block): Issue[] {
  const shared = config.metadata ?? {};
  const own = writtenAccounts(written).flatMap(({ account, index }) => {
    if (!isBlock(account['metadata'])) return [];
    const merged = mergeMaps(shared, config.accounts?.[index]?.metadata);
    return sizeIssues(merged, ['accounts', index, 'metadata']);
  });
  return [...sizeIssues(mergeMaps(shared), ['metadata']), ...own];
}

function sizeIssues(metadata: Readonly<Record<string, string>>, path: Path): Issue[] {
  const sizes = Object.entries(metadata).map(([name, value]) => name.length + value.length);
  const allBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  if (sizes.some((bytes) => bytes > metadataEntryBytesMax)) {
    const message = `holds an entry over ${metadataEntryBytesMax} bytes, the most COS takes`;
    return [{ path, message }];
  }
  if (allBytes <= metadataBytesMax) return [];
  return [{ path, message: `has ${allBytes} bytes in all, more than ${metadataBytesMax}` }];
}
