/**
 * A JSON log line as one line for a person at a terminal: local time, level, message, then the fields.
 * Only for eyes; programs and `cos_v5.log` get the JSON.
 */

const levelWords: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info ',
  warn: 'WARN ',
  error: 'ERROR',
};

/** @returns the line unchanged when it is not one of our JSON lines. Ends with a newline. */
export function textLine(jsonLine: string): string {
  const record = parseRecord(jsonLine);
  if (!record) return jsonLine;
  const { level, time, msg, ...fields } = record;
  const word = levelWords[String(level)] ?? String(level);
  const parts = [clockTime(String(time)), word, String(msg)];
  const details = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  return `${[...parts, ...details].join(' ')}\n`;
}

function parseRecord(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isRecord = typeof value === 'object' && value !== null;
    return isRecord ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined; // not ours: shown as it is
  }
}

function clockTime(isoTime: string): string {
  const date = new Date(isoTime);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** Paths are user-made: what could move the cursor or turn the text around is shown as its number. */
function fieldText(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@+,%-]+$/.test(value)) return value;
  return (JSON.stringify(value) ?? '').replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
