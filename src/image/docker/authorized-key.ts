import { ImageError } from '../../errors.ts';

/** Boot arguments have 1,400 bytes (src/spec/boot-args.ts) and a key takes 4 for 3; one of 4,096 bit RSA has 740. */
const MAX_KEY_BYTES = 940;

/**
 * The word of the kernel's command line that gives a guest the public key of its user. Pure.
 *
 * @throws ImageError if it does not begin with `ssh-`, is more than one line or too long for the command line
 */
export function authorizedKeyWord(sshPublicKey: string): string {
  const key = sshPublicKey.trim();
  const problem = keyProblem(key);
  if (problem !== undefined)
    throw new ImageError(`the public key cannot be used: ${problem}`, {
      hint: 'Give the line of a file such as ~/.ssh/id_ed25519.pub; ssh-keygen -t ed25519 makes one.',
    });
  return `smolvm.authorized_key_b64=${Buffer.from(key, 'utf8').toString('base64')}`;
}

function keyProblem(key: string): string | undefined {
  if (!key.startsWith('ssh-')) return 'it does not begin with "ssh-"';
  if (!/^[^\u0000-\u001f\u007f]+$/.test(key)) return 'it is more than one line';
  const sizeBytes = Buffer.byteLength(key);
  return sizeBytes > MAX_KEY_BYTES
    ? `it has ${String(sizeBytes)} bytes, more than ${String(MAX_KEY_BYTES)}`
    : undefined;
}
