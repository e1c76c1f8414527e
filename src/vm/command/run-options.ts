import type { CommandInput } from './supervise.ts';

/** What {@link SmolVM.run} takes besides the command. */
export interface RunOptions {
  /** Milliseconds until the command's process group is killed and `TIMEOUT` is thrown. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Folder in the guest to start in. Default `/`. */
  readonly cwd?: string | undefined;
  /** Guest user: `name`, `uid`, `name:group` or `uid:gid`. Default root. */
  readonly user?: string | undefined;
  /** Environment variables of this command. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What the command reads. Default: nothing (`/dev/null`). */
  readonly input?: CommandInput;
  /** Ends the command (SIGKILL to its process group) and throws `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Takes output as it comes. While a returned promise is pending the command waits. */
  readonly onStdout?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** The same for stderr. */
  readonly onStderr?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** Bytes kept of each of stdout and stderr; more sets `truncated`. Default 16 MiB. */
  readonly maxOutputBytes?: number | undefined;
  /** Throw `COMMAND_FAILED` if the command does not exit with 0. Default false. */
  readonly check?: boolean | undefined;
}

/** What {@link SmolVM.spawn} takes besides the command. */
export interface SpawnOptions extends RunOptions {
  /** Give the command an open input: `process.stdin`. Default false, with a terminal true. */
  readonly stdin?: boolean | undefined;
  /** Give the command a terminal: of 24 rows and 80 columns, or of this size. All output is then stdout. */
  readonly terminal?: boolean | { readonly rows: number; readonly columns: number } | undefined;
  /**
   * Let the command outlive this process; the guest keeps the newest 256 KiB of its output while nobody reads it.
   * true draws a name; a string is the name (letters, digits, `.`, `_`, `-`; at most 64).
   */
  readonly detached?: boolean | string | undefined;
}
