/**
 * A directory as Kubernetes mounts a ConfigMap or a Secret: each version in a directory of its own, and one
 * rename of the link `..data` from the old to the new one (pkg/volume/util/atomic_writer.go).
 */
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export class MountedVolume {
  readonly path: string;
  #version = 0;
  readonly #linked = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  /** Makes the volume hold exactly these files. */
  async publish(files: Readonly<Record<string, string>>): Promise<void> {
    this.#version += 1;
    const version = `..version_${this.#version}`;
    await mkdir(join(this.path, version), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.path, version, name), text);
    }
    await symlink(version, join(this.path, '..data_tmp'));
    await rename(join(this.path, '..data_tmp'), join(this.path, '..data'));
    await this.#link(new Set(Object.keys(files)));
    await rm(join(this.path, `..version_${this.#version - 1}`), { recursive: true, force: true });
  }

  /** What users of the volume open are links through `..data`; those of new files come last. */
  async #link(names: ReadonlySet<string>): Promise<void> {
    for (const name of names) {
      if (!this.#linked.has(name)) await symlink(join('..data', name), join(this.path, name));
      this.#linked.add(name);
    }
    for (const name of this.#linked) {
      if (names.has(name)) continue;
      await rm(join(this.path, name));
      this.#linked.delete(name);
    }
  }
}
