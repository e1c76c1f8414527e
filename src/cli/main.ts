#!/usr/bin/env node
import { successLine } from './envelope.ts';
import { Interruptions } from './interruption.ts';
import { LocalTerminal } from './local-terminal.ts';
import { Output } from './output.ts';
import { parseArgv } from './parse-argv.ts';
import type { Surroundings } from './perform.ts';

/** The way in: the only file of the CLI that knows `process`. */
async function main(): Promise<number> {
  // eslint-disable-next-line no-restricted-properties -- the environment enters here and is handed down
  const env = process.env;
  const interruptions = new Interruptions();
  const stdout = new Output(process.stdout, (error) => {
    interruptions.outputFailed('stdout', error);
  });
  const stderr = new Output(process.stderr, (error) => {
    interruptions.outputFailed('stderr', error);
  });
  const invocation = parseArgv(process.argv.slice(2), env);
  if (invocation.kind === 'show') {
    const { command, json, text } = invocation;
    await stdout.write(json ? successLine(command, { [command]: text.trimEnd() }) : text);
    await stdout.flush();
    return interruptions.first === undefined ? 0 : (interruptions.first.exitCode ?? 1);
  }
  interruptions.watch(process);
  // Loads the SDK, which help and version do without.
  const { perform, report } = await import('./perform.ts');
  const terminal = new LocalTerminal(() => process.stdin, process.stdout);
  const around: Surroundings = { env, stdin: standardInput(), stdout, stderr, terminal, interruptions };
  const exitCode =
    invocation.kind === 'act'
      ? await perform(invocation, around)
      : await report(invocation, invocation.error, around);
  await Promise.all([stdout.flush(), stderr.flush()]);
  return exitCode;
}

/** Touches `process.stdin` only when it is read: it would keep the process alive. */
async function* standardInput(): AsyncGenerator<Uint8Array> {
  for await (const chunk of process.stdin) yield chunk as Buffer;
}

// Not left to the end of the event loop: an unread stdin would hold it open.
process.exit(await main());
