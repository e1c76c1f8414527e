import type { ByteLine } from '../../base/child-stream.ts';
import { readUntil } from '../../base/connect.ts';
import { CommandExecutionUnavailableError } from '../../errors.ts';

/** The agent's program, for a guest that has none. */
export interface AgentProgram {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** How the agent is started behind an SSH connection. */
export interface AgentLaunch {
  readonly program: AgentProgram;
  /** May a session end the machine, set its clock and feed its entropy? Only of a guest of ours. */
  readonly ownsMachine: boolean;
}

/** A line of its own, so that what a login shell prints before it cannot be taken for it. */
export type Mark = 'send' | 'run' | 'none';

/**
 * What the guest's shell does. It has no input but two numbers and a digest. Process 1 of a guest of ours has left a
 * link to itself; elsewhere the program is taken in once for each boot, into a folder of the user's own where programs
 * may be run, and takes its name, which is its digest, when it is whole.
 */
export function launchCommand({ program, ownsMachine }: AgentLaunch, nonce: string): string {
  const { sha256, bytes } = program;
  const sizeBytes = String(bytes.length);
  const how = ownsMachine ? 'stdio machine' : 'stdio';
  const say = (mark: Mark): string => `echo "${nonce} ${mark}"`;
  const whole = `[ "$(wc -c <"$t")" -eq ${sizeBytes} ]`;
  const same = `{ ! command -v sha256sum >/dev/null || [ "$(sha256sum <"$t" | cut -c1-64)" = ${sha256} ]; }`;
  const script = [
    'umask 077',
    `if [ -x /run/smolvm/agent ]; then ${say('run')}; exec /run/smolvm/agent ${how}; fi`,
    'u=$(id -u)',
    'for d in /run/smolvm "/tmp/smolvm-agent-$u" "/var/tmp/smolvm-agent-$u"; do ' +
      'mkdir -m 700 "$d" 2>/dev/null; { [ -d "$d" ] && [ ! -L "$d" ] && [ -O "$d" ]; } || continue; ' +
      't=$d/new.$$; { : >"$t" && chmod 700 "$t" && [ -x "$t" ]; } 2>/dev/null || { rm -f "$t"; continue; }; ' +
      `f=$d/agent-${sha256}; ` +
      `if [ -x "$f" ]; then rm -f "$t"; else ${say('send')}; ` +
      `head -c ${sizeBytes} >"$t"; { ${whole} && ${same} && mv -f "$t" "$f"; } || { rm -f "$t"; exit 70; }; fi; ` +
      `${say('run')}; exec "$f" ${how}; done`,
    say('none'),
    'exit 71',
  ].join('; ');
  return `exec /bin/sh -c '${script}'`;
}

/** Answers what the script asks for until the agent runs. */
export async function launchAgent(line: ByteLine, launch: AgentLaunch, nonce: string, signal: AbortSignal): Promise<void> {
  const marks = new MarkReader(nonce);
  for (;;) {
    const mark = await readUntil(line, (chunk) => marks.take(chunk), signal);
    if (mark === 'run') return;
    if (mark === 'none') throw noPlace();
    line.write(launch.program.bytes);
  }
}

/** A login shell may print something, but not without end. */
const MAX_NOISE_BYTES = 1024 * 1024;

/** Finds the marks in what comes. Pure. */
export class MarkReader {
  readonly #nonce: string;
  #text = '';
  #noiseBytes = 0;

  constructor(nonce: string) {
    this.#nonce = nonce;
  }

  /** Takes a chunk; returns the next mark that is whole. */
  take(chunk: Buffer): Mark | undefined {
    this.#text += chunk.toString('latin1');
    this.#noiseBytes += chunk.length;
    const found = new RegExp(`${this.#nonce} (send|run|none)\\n`).exec(this.#text);
    if (found !== null) {
      this.#text = this.#text.slice(found.index + found[0].length);
      return found[1] as Mark;
    }
    if (this.#noiseBytes > MAX_NOISE_BYTES) throw noAnswer();
    this.#text = this.#text.slice(-(this.#nonce.length + 8));
    return undefined;
  }
}

function noPlace(): CommandExecutionUnavailableError {
  return new CommandExecutionUnavailableError('the guest has no folder in which its SSH user may keep and run a program', {
    hint: 'Mount /run, /tmp or /var/tmp without noexec.',
  });
}

function noAnswer(): CommandExecutionUnavailableError {
  return new CommandExecutionUnavailableError('the login shell of the SSH user prints without end and runs no command', {
    hint: 'Let its start-up files print nothing when they are not on a terminal.',
  });
}
