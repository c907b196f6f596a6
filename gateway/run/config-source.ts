/**
 * The configuration of `serve --config`: read at start, followed while the gateway runs, read again when
 * asked. The environment and --set stay what they were at start.
 */
import { readConfigFile } from '#gateway/config/config-text.ts';
import { type LoadedConfig, loadConfig } from '#gateway/config/load.ts';
import type { GatewayConfig } from '#gateway/config/model.ts';
import { type ConfigBytes, ConfigWatch } from '#gateway/config/watch.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import type { ReloadCause } from './reload.ts';
import { noteUnusable, requireUsable } from './usable-config.ts';

export interface ConfigSourceOptions {
  readonly file: string;
  readonly set: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Who takes a new configuration over; the running gateway. */
export interface ConfigReader {
  reload(load: () => GatewayConfig, cause: ReloadCause): void;
}

export interface FollowOptions {
  readonly clock: Clock;
  readonly reader: ConfigReader;
  /** Of each new configuration, before it is taken over. */
  readonly onNotices: (loaded: LoadedConfig) => void;
}

export class ConfigSource {
  readonly #options: ConfigSourceOptions;
  readonly #bytes: Uint8Array;
  /** As it was at start. */
  readonly loaded: LoadedConfig;
  #watch: ConfigWatch | undefined;

  /** @throws ConfigError. */
  constructor(options: ConfigSourceOptions) {
    this.#options = options;
    this.#bytes = readConfigFile(options.file, options.cwd);
    this.loaded = requireUsable(this.#load(this.#bytes));
  }

  /** Hands every change since the start to the reader. */
  async follow({ clock, reader, onNotices }: FollowOptions): Promise<void> {
    this.#watch = new ConfigWatch({
      ...this.#options,
      loaded: this.#bytes,
      clock,
      onChange: (bytes, cause) => {
        const load = () => {
          const loaded = noteUnusable(this.#load(bytes));
          onNotices(loaded);
          return loaded.config;
        };
        reader.reload(load, cause === 'asked' ? 'signal' : 'file');
      },
    });
    await this.#watch.start();
  }

  /** Reads the file again, changed or not; nothing before `follow`, which notices changes anyway. */
  ask(): void {
    void this.#watch?.ask();
  }

  close(): void {
    this.#watch?.close();
  }

  /** Without bytes the file is read once more, for the reason why it has none. */
  #load(bytes: ConfigBytes): LoadedConfig {
    return loadConfig({ ...this.#options, bytes });
  }
}
