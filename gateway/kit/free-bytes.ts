/**
 * Gives large buffers back by hand. What lies outside V8's heap is freed when the collector finds its owner
 * gone; an owner that lived through two collections of the young generation is only looked for once some
 * 60 MiB have come together. A listing would hold that much of pages it has long sent.
 */

/**
 * Frees the memory now. The array and all others on the same buffer have length 0 from here on, so its owner
 * alone may do this, after the last use. Idempotent. Does nothing to an array that shares its buffer with others.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || buffer.detached) return;
  if (buffer.byteLength === bytes.length) buffer.transfer(0);
}
