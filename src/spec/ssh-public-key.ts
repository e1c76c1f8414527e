import { ValidationError } from '../errors.ts';
import { shown } from './parse.ts';

/** A public key as OpenSSH writes it, without comment and options. */
export interface SshPublicKey {
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  readonly base64: string;
}

/** All that a pattern can say of the line. */
export const SSH_PUBLIC_KEY_PATTERN =
  /^\s*(?<type>ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) +(?<base64>[A-Za-z0-9+/]+={0,2})(?: [^\n\r]*)?\s*$/;
const MAX_CHARS = 4_096;

/** One line of a `.pub` file → key, or what is wrong with it. The key names its own type inside, which must be the same. */
export function sshPublicKeyProblem(text: unknown): string | undefined {
  if (typeof text !== 'string') return 'expected a public key as text';
  return keyOf(text) === undefined
    ? `expected one line such as 'ssh-ed25519 AAAA…', received ${shown(text)}`
    : undefined;
}

/** @throws ValidationError (`INVALID_ARGUMENT`) */
export function parseSshPublicKey(text: string, what: string): SshPublicKey {
  const key = keyOf(text);
  if (key === undefined) throw new ValidationError(what, [sshPublicKeyProblem(text) ?? 'is no public key']);
  return key;
}

function keyOf(text: string): SshPublicKey | undefined {
  const { type, base64 } = (text.length > MAX_CHARS ? null : SSH_PUBLIC_KEY_PATTERN.exec(text))?.groups ?? {};
  if (type === undefined || base64 === undefined) return undefined;
  const blob = Buffer.from(base64, 'base64');
  const named = Buffer.concat([Buffer.from([0, 0, 0, type.length]), Buffer.from(type)]);
  return blob.length > named.length && blob.subarray(0, named.length).equals(named)
    ? { type, base64 }
    : undefined;
}

/** The name under which a VM's host key is pinned: the address is shared by many VMs over time. */
export function hostKeyAlias(vmId: string): string {
  return `smolvm-${vmId}`;
}

/** The line by which a client knows the server (sshd(8), SSH_KNOWN_HOSTS). */
export function knownHostsLine(alias: string, { type, base64 }: SshPublicKey): string {
  return `${alias} ${type} ${base64}\n`;
}
