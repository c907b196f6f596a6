/**
 * What a single value may be: one small zod schema per kind of word. Every value arrives as text, from
 * YAML as from the environment, and the field alone decides what the text is; so `password: 0123` keeps
 * its zero and `min_version: 1.2` is no number. Messages say what was read and what is allowed, except
 * for secrets, which are never quoted.
 */

import { isIP, isIPv4 } from 'node:net';
import * as z from 'zod';
import { formatBytes, KiB, parseBytes, TiB } from '#gateway/kit/bytes.ts';
import { parseNetwork } from '#gateway/kit/networks.ts';
import { claimsPasswordHash, parsePasswordHash } from '#gateway/kit/password-hash.ts';
import { canonicalEncoding, filenameEncodings } from './encodings.ts';
import type { PortRange } from './model.ts';
import { quote } from './problem.ts';
import { nearest } from './suggest.ts';

/** Why a text is no value of its field. */
interface Refusal {
  readonly refused: string;
  readonly hint?: string;
}

type Field<Value> = z.ZodType<Value>;

const text = z
  .union([z.string(), z.number(), z.boolean()], {
    error: 'expected one value, not a list or a block',
  })
  .transform(String);

function field<Value>(read: (text: string) => Value | Refusal): Field<Value> {
  return text.transform((written, context) => {
    const value = read(written);
    if (!isRefusal(value)) return value;
    const params = value.hint === undefined ? {} : { hint: value.hint };
    context.addIssue({ code: 'custom', message: value.refused, params });
    return z.NEVER;
  });
}

function refuse(refused: string, hint?: string): Refusal {
  return hint === undefined ? { refused } : { refused, hint };
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value;
}

/** A whole number between both bounds, both allowed. `what` completes "is not …". */
export function integer(bounds: { min: number; max: number; what: string }): Field<number> {
  const { min, max, what } = bounds;
  return field((written) => {
    const value = /^\d{1,15}$/.test(written.trim()) ? Number(written) : Number.NaN;
    if (value >= min && value <= max) return value;
    return refuse(`${quote(written)} is not ${what} from ${min} to ${max}`);
  });
}

/** 0 means any free port. */
export const port: Field<number> = integer({ min: 0, max: 65535, what: 'a port' });

export function seconds(bounds: { min: number; max: number }): Field<number> {
  return integer({ ...bounds, what: 'a number of seconds' });
}

/** Bytes, with an optional Ki, Mi, Gi or Ti. */
export function size(bounds: { min: number; max: number }): Field<number> {
  const { min, max } = bounds;
  return field((written) => {
    const bytes = parseBytes(written);
    if (bytes === undefined) {
      return refuse(
        `${quote(written)} is not a size`,
        'whole bytes, or a whole number followed by Ki, Mi, Gi or Ti: 64Mi',
      );
    }
    if (bytes >= min && bytes <= max) return bytes;
    return refuse(`${quote(written)} is not between ${formatBytes(min)} and ${formatBytes(max)}`);
  });
}

/** Slower is no use to anybody, and mostly a unit that was forgotten. */
const rateBytesMin = KiB;

/** Bytes a second, written as a size; 0 means no limit. */
export const rate: Field<number> = field((written) => {
  const bytes = parseBytes(written);
  if (bytes === undefined) {
    return refuse(
      `${quote(written)} is not a number of bytes a second`,
      'a whole number, alone or followed by Ki, Mi or Gi: 10Mi; 0 = no limit',
    );
  }
  if (bytes === 0 || (bytes >= rateBytesMin && bytes <= TiB)) return bytes;
  const hint = bytes < rateBytesMin ? 'did you leave out Ki or Mi? 0 = no limit' : undefined;
  return refuse(
    `${quote(written)} is not between ${formatBytes(rateBytesMin)} and ${formatBytes(TiB)} a second`,
    hint,
  );
});

export const flag: Field<boolean> = field((written) => {
  const word = written.trim().toLowerCase();
  if (word === 'true' || word === 'false') return word === 'true';
  return refuse(`${quote(written)} is neither true nor false`);
});

/** One of a few words; case is free. */
export function choice<const Word extends string>(words: readonly Word[]): Field<Word> {
  return field((written) => {
    const lower = written.trim().toLowerCase();
    const lowerWords = words.map((word) => word.toLowerCase());
    const found = words[lowerWords.indexOf(lower)];
    if (found !== undefined) return found;
    const near = words[lowerWords.indexOf(nearest(lower, lowerWords) ?? '')];
    const refused = `${quote(written)} is not one of ${words.join(', ')}`;
    return refuse(refused, near === undefined ? undefined : `did you mean ${near}?`);
  });
}

/** `61000-61015`, both included; a single number is a range of one port. */
export const portRange: Field<PortRange> = field((written) => {
  const match = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(written.trim());
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (!match || first < 1 || last > 65535) {
    return refuse(
      `${quote(written)} is not a range of ports from 1 to 65535`,
      'both ends are included: 61000-61015',
    );
  }
  if (first <= last) return { first, last };
  return refuse(`${quote(written)} ends before it begins`, `${last}-${first}?`);
});

const hostPattern =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*\.?$/i;

/** A DNS name. One whose last label is a number is a mistyped address (RFC 3696 section 2). */
export function isHostName(name: string): boolean {
  return hostPattern.test(name) && !/(^|\.)\d+\.?$/.test(name);
}

/** The sample configuration's `XXX.XXX.XXX.XXX`, which nobody replaced. */
export function isAddressPlaceholder(address: string): boolean {
  return /^x{1,3}(\.x{1,3}){3}$/i.test(address);
}

/** Where a server listens: an address or a name of this machine. */
export const listenAddress: Field<string> = field((written) => {
  const address = written.trim().replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0 || isHostName(address)) return address;
  return refuse(
    `${quote(written)} is not an address`,
    '"::" or 0.0.0.0 for all addresses, or one address of this machine',
  );
});

/** What 227 can carry: only IPv4 has room there (RFC 959 section 4.1.2); a name is looked up. */
export const masqueradeAddress: Field<string> = field((written) => {
  const address = written.trim();
  if (isUsableIPv4(address)) return address;
  if (isHostName(address) && !isAddressPlaceholder(address)) return address;
  return refuse(
    `${quote(written)} is neither an IPv4 address nor a DNS name`,
    'the address under which clients reach this server; leave the word out when there is no NAT',
  );
});

export const masqueradeNetworkAddress: Field<string> = field((written) => {
  const address = written.trim();
  if (isUsableIPv4(address)) return address;
  return refuse(`${quote(written)} is not an IPv4 address a client can connect to`);
});

function isUsableIPv4(address: string): boolean {
  return isIPv4(address) && address !== '0.0.0.0' && address !== '255.255.255.255';
}

export const network: Field<string> = field((written) => {
  const range = written.trim();
  if (parseNetwork(range) !== undefined) return range;
  return refuse(`${quote(written)} is not a network`, 'for example 10.0.0.0/8');
});

export const encoding: Field<string> = field((written) => {
  const name = canonicalEncoding(written.trim());
  if (name !== undefined) return name;
  const near = nearest(written.trim().toLowerCase(), filenameEncodings);
  return refuse(
    `${quote(written)} is not a file-name encoding we know`,
    near === undefined ? `known: ${filenameEncodings.join(', ')}` : `did you mean ${near}?`,
  );
});

/** A path of this machine; relative ones are made absolute while reading (see check.ts). */
export const filePath: Field<string> = field((written) =>
  written.includes('\0') ? refuse('a path cannot hold a NUL') : written,
);

const instanceNamePattern = /^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$/;

/** Stands in keys of the bucket. */
export const instanceName: Field<string> = field((written) => {
  const name = written.trim();
  if (instanceNamePattern.test(name)) return name;
  return refuse(
    `${quote(written)} is not a name of an instance`,
    'at most 100 letters, digits, dots and dashes, a letter or digit first',
  );
});

export const userName: Field<string> = field((written) => {
  if (hasControl(written) || written !== written.trim() || written === '') {
    return refuse(
      `${quote(written)} is not a user name`,
      'no control characters, no space at either end',
    );
  }
  if (Buffer.byteLength(written) <= 128) return written;
  return refuse(`${quote(written)} is longer than 128 bytes`);
});

/** Bytes a prefix may have: COS allows 850 for a whole key (COS page 436/13324), names need the rest. */
const prefixBytesMax = 512;

/** `incoming/alice/`: no leading slash, the closing one is added. */
export const prefix: Field<string> = field((written) => {
  if (written === '') return '';
  const closed = written.endsWith('/') ? written : `${written}/`;
  const names = closed.slice(0, -1).split('/');
  if (names[0] === '') {
    const relative = closed.replace(/^\/+/, '');
    const hint = relative === '' ? 'leave the word out for the whole bucket' : undefined;
    return refuse(
      `${quote(written)} begins with a slash, keys in COS do not`,
      hint ?? `write ${quote(relative)}`,
    );
  }
  if (names.some((name) => name === '' || name === '.' || name === '..') || hasControl(written)) {
    return refuse(`${quote(written)} holds an empty name, ".", ".." or a control character`);
  }
  if (names.includes('.cosftp')) {
    return refuse(`${quote(written)} holds .cosftp, which the gateway keeps for itself`);
  }
  if (Buffer.byteLength(closed) <= prefixBytesMax) return closed;
  return refuse(`${quote(written)} is longer than ${prefixBytesMax} bytes`);
});

/** `name-appid`, as the console shows it (COS page 436/13312). */
export const bucket: Field<string> = field((written) => {
  const name = written.trim();
  if (/^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?-\d{5,12}$/.test(name)) return name;
  return refuse(
    `${quote(written)} is not a bucket`,
    'the whole name with the APPID, in small letters: inbox-1250000000',
  );
});

export const region: Field<string> = field((written) => {
  const name = written.trim();
  if (/^[a-z0-9-]{1,40}$/.test(name)) return name;
  return refuse(
    `${quote(written)} is not a region`,
    'the short name, without "cos." and domain: ap-guangzhou',
  );
});

/** `host`, `host:port` or a template with {bucket} and {region}. The scheme is `protocol`. */
export const endpoint: Field<string> = field((written) => {
  const host = written.trim();
  if (/^[a-z]+:\/\//i.test(host)) {
    return refuse(
      `${quote(written)} holds a scheme`,
      'write only host or host:port here, and protocol: http or https beside it',
    );
  }
  if (isEndpoint(host.replaceAll('{bucket}', 'b-1').replaceAll('{region}', 'r'))) return host;
  return refuse(
    `${quote(written)} is not an endpoint`,
    'host or host:port: cos.ap-guangzhou.tencentcos.cn, or {bucket}.cos-internal.{region}.tencentcos.cn',
  );
});

/** The parts of an endpoint, or undefined. The host of `[::1]:9000` is `::1`. */
export function splitEndpoint(written: string): { host: string; port?: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(written);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) return undefined;
  return match?.[3] === undefined ? { host } : { host, port: Number(match[3]) };
}

function isEndpoint(host: string): boolean {
  const parts = splitEndpoint(host);
  if (parts === undefined) return false;
  if (parts.port !== undefined && (parts.port < 1 || parts.port > 65535)) return false;
  return isIP(parts.host) !== 0 || isHostName(parts.host);
}

/** `pdf` or `tar.gz`; `*` is every file that nothing else names. A leading dot is dropped. */
export const extension: Field<string> = field((written) => {
  const name = written.trim().toLowerCase().replace(/^\./, '');
  if (name === '*' || /^[^\s/\0]{1,64}$/.test(name)) return name;
  return refuse(
    `${quote(written)} is not a file extension`,
    'for example csv, or "*" for the rest',
  );
});

const token = "[\\w!#$%&'*+.^`|~-]+";
const mediaType = new RegExp(
  `^${token}/${token}(?:\\s*;\\s*${token}=(?:${token}|"[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*"))*$`,
);

/** RFC 9110 section 8.3.1. */
export const contentType: Field<string> = field((written) => {
  const type = written.trim();
  if (type.length <= 255 && mediaType.test(type)) return type;
  return refuse(
    `${quote(written)} is not a content type`,
    'type/subtype, parameters behind it: text/csv; charset=utf-8',
  );
});

/** An id as the KMS console shows it. */
export const kmsKeyId: Field<string> = field((written) => {
  const id = written.trim();
  if (/^[\w-]{1,128}$/.test(id)) return id;
  return refuse(`${quote(written)} is not a key id`, '48ba38aa-26c5-11ea-855c-52540085…');
});

/** COS page 436/7746. */
export const metadataName: Field<string> = field((written) => {
  const name = written.trim().toLowerCase();
  if (name.startsWith('x-cos-meta-')) {
    return refuse(`${quote(written)} holds the prefix`, `write ${quote(name.slice(11))}`);
  }
  if (name === 'mtime') {
    return refuse('"mtime" is where store_mtime keeps the time', 'choose another name');
  }
  if (/^[a-z0-9-]{1,128}$/.test(name)) return name;
  return refuse(`${quote(written)} is not a metadata name`, 'letters, digits and "-", no "_"');
});

/** What every reader of a header understands alike. */
export const metadataValue: Field<string> = field((written) => {
  const value = written.trim();
  if (/^[\x20-\x7e]+$/.test(value)) return value;
  return refuse(
    `${quote(written)} holds more than printable ASCII`,
    'write other characters percent-encoded, as URLs do',
  );
});

/** A key or its id: also without white space, which only ever comes from copying. */
export const keySecret: Field<string> = field((written) => {
  const key = written.trim();
  return /[\s\0]/.test(key) ? refuse('holds white space') : key;
});

/** A plain password, or one of our hashes in its place. */
export const password: Field<string> = field((written) => {
  if (/[\0\r\n]/.test(written)) return refuse('holds a line end or a NUL');
  return claimsPasswordHash(written) ? checkedHash(written) : written;
});

export const passwordHash: Field<string> = field(checkedHash);

function checkedHash(written: string): string | Refusal {
  const hash = written.trim();
  if (parsePasswordHash(hash) !== undefined) return hash;
  const hint = 'it reads $scrypt$ln=15,r=8,p=1$…$…; make one with the command hash-password';
  return refuse('is not a password hash of ours', hint);
}

function hasControl(value: string): boolean {
  return /[\0-\x1f\x7f]/.test(value);
}
