import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from '../../base/deadline.ts';
import { findProgram } from '../../base/find-program.ts';
import { startHostProcess, type HostProcess } from '../../base/host-process.ts';
import { orAborted } from '../../base/poll.ts';
import { isSmolVMError, type ImageError } from '../../errors.ts';
import { ENGINE_NAMES, type EngineName } from './engine-names.ts';
import { engineMissing, engineStepError, type EngineStep } from './engine-error.ts';
import { thisSystem } from './host-system.ts';

/** Where engines are looked for, and what they get. */
export interface EngineChoice {
  /** Undefined: the first that works. */
  readonly engine?: EngineName | undefined;
  /** The user's environment: engines are the user's programs, with the user's DOCKER_HOST, logins and proxies. */
  readonly env: Readonly<Record<string, string>>;
}

/** An engine that was found. */
export interface Engine {
  readonly name: EngineName;
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Pieces of what an engine prints, for whoever watches a build. Bytes of others: escape them before showing. */
export type OnOutput = (text: string) => void;

/** One call of an engine. */
export interface EngineCall {
  readonly step: EngineStep;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly onOutput?: OnOutput | undefined;
}

/** How an engine ended, with the last of what it said. */
export interface EngineEnd {
  readonly exitCode: number | null;
  readonly endSignal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is kept of each output: the end tells why. Inspecting an image prints less. */
const KEPT_CHARS = 1024 * 1024;

const INFO_TIMEOUT_MS = 10_000;
const INFO_PAUSE_MS = 250;

/** Runs an engine to its end. Fails if it does. */
export async function runEngine(engine: Engine, call: EngineCall): Promise<EngineEnd> {
  const end = await tryEngine(engine, call);
  if (end.exitCode === 0) return end;
  throw engineStepError({ engine: engine.name, step: call.step, ...end }, thisSystem());
}

/** The same, where a failure is an answer. */
export async function tryEngine(engine: Engine, { args, signal, onOutput }: EngineCall): Promise<EngineEnd> {
  const child = startHostProcess({ argv: [engine.program, ...args], env: engine.env, signal });
  const stdout = keepEnd(child.stdout, onOutput);
  const stderr = keepEnd(child.stderr, onOutput);
  const end = await child.ended;
  return { ...end, stdout: stdout(), stderr: stderr() };
}

/** Reads an output to its end; gives what is kept of it. */
export function keepEnd(output: HostProcess['stdout'], onOutput?: OnOutput): () => string {
  const decoder = new StringDecoder('utf8');
  let text = '';
  output.on('data', (bytes: Buffer) => {
    const piece = decoder.write(bytes);
    text += piece;
    // Not at each piece: cutting copies.
    if (text.length > 2 * KEPT_CHARS) text = text.slice(-KEPT_CHARS);
    onOutput?.(piece);
  });
  // A pipe that breaks ends with its program, which tells more.
  output.on('error', () => undefined);
  return () => text;
}

/**
 * The engine to use: the one that is asked for, or the first that works.
 *
 * @throws ImageError with `details.problem` and the cure for this system
 */
export async function findEngine(choice: EngineChoice, signal: AbortSignal): Promise<Engine> {
  const names = choice.engine === undefined ? ENGINE_NAMES : [choice.engine];
  let firstFailure: ImageError | undefined;
  for (const name of names) {
    const program = findProgram(name, choice.env['PATH']);
    if (program === undefined) continue;
    const engine = { name, program, env: choice.env };
    const failure = await engineFailure(engine, signal);
    if (failure === undefined) return engine;
    firstFailure ??= failure;
  }
  throw firstFailure ?? engineMissing('not-installed', choice.engine ?? 'docker', thisSystem());
}

/** Why the engine does not work, or undefined. One failure may pass by itself, so it is asked twice. */
async function engineFailure(engine: Engine, signal: AbortSignal): Promise<ImageError | undefined> {
  const first = await askInfo(engine, signal);
  if (first === undefined) return undefined;
  await orAborted(sleep(INFO_PAUSE_MS), signal);
  return askInfo(engine, signal);
}

async function askInfo(engine: Engine, signal: AbortSignal): Promise<ImageError | undefined> {
  using deadline = new Deadline(`${engine.name} info`, INFO_TIMEOUT_MS, signal);
  try {
    const end = await tryEngine(engine, { step: 'info', args: ['info'], signal: deadline.signal });
    if (end.exitCode === 0) return undefined;
    return engineStepError({ engine: engine.name, step: 'info', ...end }, thisSystem());
  } catch (error) {
    if (!isSmolVMError(error, 'TIMEOUT') || signal.aborted) throw error;
    return engineMissing('daemon-not-running', engine.name, thisSystem(), error.message);
  }
}
