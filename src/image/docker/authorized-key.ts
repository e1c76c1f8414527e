import { ImageError } from '../../errors.ts';

/** A kernel command line has 2,047 bytes; a key of 4,096 bit RSA takes 1,000 of them. */
const MAX_KEY_BYTES = 1_400;

/**
 * The word of the kernel's command line that gives a guest the public key of its user. Pure.
 *
 * @throws ImageError if it does not begin with `ssh-`, is more than one line or too long for the command line
 */
export function authorizedKeyWord(sshPublicKey: string): string {
  const key = sshPublicKey.trim();
  const problem = keyProblem(key);
  if (problem !== undefined) throw new ImageError(`the public key cannot be used: ${problem}`, {
    hint: 'Give the line of a file such as ~/.ssh/id_ed25519.pub; ssh-keygen -t ed25519 makes one.',
  });
  return `smolvm.authorized_key_b64=${Buffer.from(key, 'utf8').toString('base64')}`;
}

function keyProblem(key: string): string | undefined {
  if (!key.startsWith('ssh-')) return 'it does not begin with "ssh-"';
  if (!/^[^\u0000-\u001f\u007f]+$/.test(key)) return 'it is more than one line';
  const sizeBytes = Buffer.byteLength(key);
  return sizeBytes > MAX_KEY_BYTES ? `it has ${String(sizeBytes)} bytes, more than ${String(MAX_KEY_BYTES)}` : undefined;
}
