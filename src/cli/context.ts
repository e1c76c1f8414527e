import type { LocalTerminal } from './local-terminal.ts';
import type { Output } from './output.ts';
import type { Style } from './style.ts';

/** What a command may use. */
export interface CliContext {
  /** One JSON envelope instead of text: nothing else may be written to stdout. */
  readonly json: boolean;
  /** Aborted by Ctrl-C, SIGTERM, SIGHUP and a broken pipe. */
  readonly signal: AbortSignal;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly terminal: LocalTerminal;
  /** Colours for stdout. */
  readonly style: Style;
  /** Tells a person how far it got: one line on stderr if that is a terminal, else nothing. */
  readonly say: (line: string) => void;
}

/** What a command has to tell when it has done its work. */
export interface Outcome {
  /** For programs: `data` of the JSON envelope. */
  readonly data: object;
  /** For people, on stdout: text that is safe to show, or bytes as they are. */
  readonly text?: string | Uint8Array;
  /** Default 0. */
  readonly exitCode?: number;
}

/** A command with its arguments, ready to be carried out. */
export type Action = (context: CliContext) => Promise<Outcome>;
