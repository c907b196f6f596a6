/**
 * Starts a TypeScript file as bin/cos-ftp-gateway.mjs starts the program: with compiled code from an earlier
 * start, so that Node's type stripper (24 MiB, and garbage collections that are dearer for it) is not loaded
 * into what is measured.
 *
 *     node with-cache.mjs FILE ARGUMENTS…
 */
import { enableCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';

enableCompileCache();
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1]).href);
