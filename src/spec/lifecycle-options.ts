import * as v from 'valibot';
import { parseWith } from './parse.ts';
import { timeoutMsSchema } from './run-options.ts';

/** What a creation takes besides the VM. */
export interface CreateOptions {
  /** Gives the creation up: nothing of the VM is left, and `ABORTED` is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** What a start takes. */
export interface StartOptions {
  /** Milliseconds until a boot that is not ready is given up. Default 30,000. */
  readonly bootTimeoutMs?: number | undefined;
  /** Gives the start up: the VMM is ended and `ABORTED` is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** What a stop takes. */
export interface StopOptions {
  /** Milliseconds for the guest to power off by itself, then it is ended. Default 3,000. */
  readonly timeoutMs?: number | undefined;
}

/** What a deletion by id takes. */
export interface DeleteOptions {
  /** Also a VM that runs or is paused? Default false. */
  readonly force?: boolean | undefined;
}

const startOptionsSchema = v.object({ bootTimeoutMs: v.optional(timeoutMsSchema, 30_000) });
const stopOptionsSchema = v.object({ timeoutMs: v.optional(timeoutMsSchema, 3_000) });

/** Parses what `start` is given, all but the signal. */
export function parseStartOptions(options: unknown): v.InferOutput<typeof startOptionsSchema> {
  return parseWith(startOptionsSchema, options, 'start options');
}

/** Parses what `stop` is given. */
export function parseStopOptions(options: unknown): v.InferOutput<typeof stopOptionsSchema> {
  return parseWith(stopOptionsSchema, options, 'stop options');
}
