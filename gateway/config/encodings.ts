/**
 * The file-name encodings an account may have, by the names the protocol engine's converter knows, and
 * the other names people write for them. Multi-byte encodings without ASCII bytes as themselves
 * (UTF-16) can never be here: FTP's commands are ASCII.
 */

export const filenameEncodings = [
  'utf-8',
  'gb18030',
  'gbk',
  'big5',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'koi8-r',
  'koi8-u',
  'tis-620',
  'iso-8859-1',
  'iso-8859-2',
  'iso-8859-5',
  'iso-8859-7',
  'iso-8859-9',
  'iso-8859-15',
  'windows-1250',
  'windows-1251',
  'windows-1252',
  'windows-1253',
  'windows-1254',
  'windows-1255',
  'windows-1256',
  'windows-1257',
  'windows-1258',
  'cp437',
  'cp850',
  'cp866',
] as const;

const otherNames: Readonly<Record<string, string>> = {
  utf8: 'utf-8',
  gb2312: 'gbk',
  cp936: 'gbk',
  cp950: 'big5',
  sjis: 'shift_jis',
  'shift-jis': 'shift_jis',
  cp932: 'shift_jis',
  cp949: 'euc-kr',
  latin1: 'iso-8859-1',
  'latin-1': 'iso-8859-1',
};

/** The name we use for it, or undefined when we do not know it. Case and cp125x/windows-125x are free. */
export function canonicalEncoding(name: string): string | undefined {
  const lower = name.toLowerCase().replace(/^cp(125\d)$/, 'windows-$1');
  const canonical = Object.hasOwn(otherNames, lower) ? otherNames[lower] : lower;
  return filenameEncodings.find((known) => known === canonical);
}
