import { describe, expect, it } from 'vitest';
import { hostKeyAlias, knownHostsLine, parseSshPublicKey, sshPublicKeyProblem } from './ssh-public-key.ts';

const base64 = 'AAAAC3NzaC1lZDI1NTE5AAAAIOEUld1M81MJUlWBjTo9+VmAsqV0iCBXVn0mMdR42k0K';
const key = { type: 'ssh-ed25519', base64 };

describe('a public key', () => {
  it.each([`ssh-ed25519 ${base64}`, ` ssh-ed25519 ${base64} me@host with words\n`])(
    'is read from %j',
    (text) => {
      expect(parseSshPublicKey(text, 'sshHostKey')).toEqual(key);
      expect(sshPublicKeyProblem(text)).toBeUndefined();
    },
  );

  it.each([
    '',
    base64,
    `ssh-rsa ${base64}`,
    `ssh-dss ${base64}`,
    `ssh-ed25519 ${base64.slice(0, 16)}`,
    `ssh-ed25519 AAAA*`,
    `ssh-ed25519 ${base64}\nssh-ed25519 ${base64}`,
    `command="x" ssh-ed25519 ${base64}`,
    `ssh-ed25519 ${'A'.repeat(5_000)}`,
  ])('is not %j', (text) => {
    expect(sshPublicKeyProblem(text)).toBeDefined();
    expect(() => parseSshPublicKey(text, 'sshHostKey')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it('is pinned under the name of its VM', () => {
    expect(knownHostsLine(hostKeyAlias('box'), key)).toBe(`smolvm-box ssh-ed25519 ${base64}\n`);
  });
});
