/**
 * The few WebAssembly names the gateway uses. Node has them all, but TypeScript declares them only in
 * the browser libraries, whose other globals (`window`, a `fetch` of their own) must not leak in here.
 */
declare namespace WebAssembly {
  /** Whether `new Module` takes it. */
  function validate(binary: Uint8Array): boolean;
  class Memory {
    constructor(limits: { initial: number; maximum: number });
    /** Detached and replaced whenever the memory grows; a memory with initial = maximum never does. */
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(binary: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, Memory>>);
    readonly exports: Readonly<Record<string, unknown>>;
  }
}
