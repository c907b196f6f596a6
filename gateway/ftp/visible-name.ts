/**
 * Names inside line formats. COS keys may hold control characters, which would break a listing's lines
 * or a terminal and which no command can carry. They are shown as `?`: such a file cannot be fetched
 * under that name, but it is seen, and a directory that cannot be removed does not look empty.
 */
export function visibleName(name: string): string {
  return name.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
