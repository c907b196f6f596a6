// Types for the parts of ftp-srv 4.6.3 that its own declarations lack or get wrong. shell.ts is the only
// user; test/ftp-srv/shell.test.ts fails when a changed package no longer has this shape.
declare module 'ftp-srv/src/commands/registry.js' {
  const registry: Record<string, unknown>;
  export default registry;
}
