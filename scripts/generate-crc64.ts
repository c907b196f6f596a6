/**
 * Compiles gateway/kit/crc64.wat into gateway/kit/crc64-wasm.ts, so that the gateway starts from a
 * constant and needs no WebAssembly tool. Run it after every change of the text:
 *
 *     npx node scripts/generate-crc64.ts
 *
 * test/generated.test.ts fails while the constant is older than the text.
 */
import { readFile, writeFile } from 'node:fs/promises';
import wabt from 'wabt';

export const crc64ModuleFile: URL = new URL('../gateway/kit/crc64-wasm.ts', import.meta.url);
const sourceFile = new URL('../gateway/kit/crc64.wat', import.meta.url);

/** What crc64-wasm.ts has to contain. */
export async function renderCrc64Module(): Promise<string> {
  const compiler = await wabt();
  const module = compiler.parseWat('crc64.wat', await readFile(sourceFile, 'utf8'));
  const { buffer } = module.toBinary({});
  module.destroy();
  const base64 = Buffer.from(buffer).toString('base64');
  return `/** Generated from crc64.wat by scripts/generate-crc64.ts; do not edit. */
export const crc64WasmBase64 =
${(base64.match(/.{1,90}/g) ?? []).map((line) => `  '${line}'`).join(' +\n')};
`;
}

if (import.meta.main) await writeFile(crc64ModuleFile, await renderCrc64Module());
