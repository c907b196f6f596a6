/**
 * Compiles gateway/kit/crc64.wat and crc64-fold.wat into gateway/kit/crc64-wasm.ts, so that the gateway starts
 * from constants and needs no WebAssembly tool. Run it after every change of the texts:
 *
 *     npx node scripts/generate-crc64.ts
 *
 * test/generated.test.ts fails while the constants are older than the texts.
 */
import { readFile, writeFile } from 'node:fs/promises';
import wabt from 'wabt';

export const crc64ModuleFile: URL = new URL('../gateway/kit/crc64-wasm.ts', import.meta.url);

/** What crc64-wasm.ts has to contain. */
export async function renderCrc64Module(): Promise<string> {
  return `/** Generated from crc64.wat and crc64-fold.wat by scripts/generate-crc64.ts; do not edit. */
export const crc64WasmBase64 =
${await compile('crc64.wat')};

export const crc64FoldWasmBase64 =
${await compile('crc64-fold.wat')};
`;
}

/** The module of that text, as a string literal in lines. */
async function compile(name: string): Promise<string> {
  const compiler = await wabt();
  const text = await readFile(new URL(`../gateway/kit/${name}`, import.meta.url), 'utf8');
  const module = compiler.parseWat(name, text, { simd: true, bulk_memory: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  const base64 = Buffer.from(buffer).toString('base64');
  return (base64.match(/.{1,90}/g) ?? []).map((line) => `  '${line}'`).join(' +\n');
}

if (import.meta.main) await writeFile(crc64ModuleFile, await renderCrc64Module());
