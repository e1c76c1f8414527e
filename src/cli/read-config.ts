import { createReadStream } from 'node:fs';
import { VMConfig, type ImageChoice, type VmOptions } from '../index.ts';
import type { MachineRequest } from './requests.ts';
import { UsageError } from './usage-error.ts';

/** Room for 1 MiB of variables in the longest form that JSON has for them. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** The VM that is asked for: options of the command line, over those of the file. Values are for the SDK to judge. */
export async function machineOf({ configFile, fields }: MachineRequest): Promise<VmOptions & ImageChoice> {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return configFile === undefined ? given : { ...(await readConfig(configFile)), ...given };
}

async function readConfig(file: string): Promise<object> {
  const config = parse(await read(file), file);
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new UsageError(`--config: expected an object of fields in ${file}`);
  const names = Object.keys(VMConfig.jsonSchema()['properties'] as object);
  const unknown = Object.keys(config).filter((name) => !names.includes(name));
  if (unknown.length === 0) return config;
  const some = unknown.slice(0, 10).map((name) => `'${name.slice(0, 80)}'`);
  throw new UsageError(
    `--config: ${file} has fields that no VM has: ${some.join(', ')}`,
    `A VM has: ${names.join(', ')}`,
  );
}

async function read(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_CONFIG_BYTES) throw new UsageError(`--config: ${file} is larger than 8 MiB`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new UsageError(`--config: ${file} cannot be read (${String(error.code)})`);
    throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The parser's own message is not passed on: it quotes the file, which may hold secrets in its variables. */
function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const lines = text.slice(0, Number(position ?? 0)).split('\n');
    const place = position === undefined ? '' : `, line ${String(lines.length)}`;
    throw new UsageError(`--config: ${file} is not JSON${place}`);
  }
}
