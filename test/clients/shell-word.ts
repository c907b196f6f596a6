/** A word for the command lines of ncftp and tnftp, in whose quotes nothing can be escaped. */
export function backslashed(word: string): string {
  return word.replace(/[^\w./\u0080-\uffff-]/g, '\\$&');
}
