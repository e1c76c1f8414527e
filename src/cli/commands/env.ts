import { createReadStream } from 'node:fs';
import type { CliContext, Outcome } from '../context.ts';
import { parseVariableLines } from '../env-lines.ts';
import { safeLine } from '../safe-text.ts';
import { UsageError } from '../usage-error.ts';
import { withVm } from '../with-vm.ts';

/** More than that no guest would take. */
const MAX_FILE_BYTES = 1024 * 1024;

export interface EnvSetRequest {
  readonly vmId: string;
  readonly variables: Readonly<Record<string, string>>;
  /** A file with more of them; `-` is stdin. */
  readonly file: string | undefined;
  /** Drop the variables that are not named? */
  readonly replace: boolean;
}

/** `smolvm env set`. */
export async function envSet(context: CliContext, request: EnvSetRequest): Promise<Outcome> {
  const { vmId, file, replace } = request;
  const lines = file === undefined ? '' : await readVariableFile(file, context.stdin);
  const variables = { ...parseVariableLines(lines), ...request.variables };
  return withVm(vmId, async (vm) => {
    const names = await vm.setEnvVars(variables, { merge: !replace, signal: context.signal });
    return { data: { vmId: vm.vmId, names } };
  });
}

/** A file, or stdin for `-`, as text; longer ones are refused. */
async function readVariableFile(path: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const source: AsyncIterable<Uint8Array> = path === '-' ? stdin : createReadStream(path);
  for await (const chunk of source) {
    size += chunk.length;
    if (size > MAX_FILE_BYTES) throw new UsageError(`--file: it is longer than ${MAX_FILE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export interface EnvUnsetRequest {
  readonly vmId: string;
  readonly names: readonly string[];
}

/** `smolvm env unset`: a variable that is not set is fine. */
export async function envUnset({ signal }: CliContext, { vmId, names }: EnvUnsetRequest): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    const removed = Object.keys(await vm.unsetEnvVars(names, { signal }));
    return { data: { vmId: vm.vmId, removed } };
  });
}

/** `smolvm env list`: anybody in the guest may have written them, so a terminal gets them escaped. */
export async function envList({ signal, stdout }: CliContext, vmId: string): Promise<Outcome> {
  return withVm(vmId, async (vm) => {
    const variables = await vm.listEnvVars({ signal });
    return { data: { vmId: vm.vmId, variables }, text: renderVariables(variables, stdout.isTerminal) };
  });
}

/** One line for each; on a terminal also for a value of several lines. */
export function renderVariables(variables: Readonly<Record<string, string>>, isTerminal: boolean): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return lines.map((line) => `${isTerminal ? safeLine(line) : line}\n`).join('');
}
