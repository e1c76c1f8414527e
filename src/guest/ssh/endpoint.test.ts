import { describe, expect, it } from 'vitest';
import { sshArgv, trustOptions, type SshEndpoint } from './endpoint.ts';

const endpoint: SshEndpoint = {
  host: '127.0.0.1',
  port: 2200,
  user: 'root',
  keyPath: '/home/me/.smolvm/keys/id_ed25519',
  knownHostsPath: '/home/me/.smolvm/vms/box/known_hosts',
  hostKeyAlias: 'smolvm-box',
  hostKeyType: 'ssh-ed25519',
};

/** `-o Name=value` words by name. */
function optionsOf(argv: readonly string[]): Record<string, string> {
  const words = argv.filter((_word, index) => argv[index - 1] === '-o');
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
}

describe('sshArgv', () => {
  it('trusts the pinned key alone, comes with our key alone, and takes nothing from the configuration of the user', () => {
    const argv = sshArgv(endpoint, 'exec sh');
    expect(argv.slice(0, 4)).toEqual(['ssh', '-F', '/dev/null', '-T']);
    expect(argv.slice(-7)).toEqual(['-p', '2200', '-l', 'root', '--', '127.0.0.1', 'exec sh']);
    expect(optionsOf(argv)).toMatchObject({
      BatchMode: 'yes',
      IdentitiesOnly: 'yes',
      IdentityFile: '"/home/me/.smolvm/keys/id_ed25519"',
      IdentityAgent: 'none',
      UserKnownHostsFile: '"/home/me/.smolvm/vms/box/known_hosts"',
      GlobalKnownHostsFile: '/dev/null',
      StrictHostKeyChecking: 'yes',
      UpdateHostKeys: 'no',
      HostKeyAlias: 'smolvm-box',
      HostKeyAlgorithms: 'ssh-ed25519',
      PreferredAuthentications: 'publickey',
      ClearAllForwardings: 'yes',
      ForwardAgent: 'no',
      ControlMaster: 'no',
      ControlPath: 'none',
      ServerAliveInterval: '5',
    });
  });

  it('signs with RSA by today’s algorithms', () => {
    expect(optionsOf(trustOptions({ ...endpoint, hostKeyType: 'ssh-rsa' }))).toMatchObject({
      HostKeyAlgorithms: 'rsa-sha2-512,rsa-sha2-256',
    });
  });

  it('keeps blanks and percent signs of a path', () => {
    const options = optionsOf(trustOptions({ ...endpoint, keyPath: '/a b/100%h' }));
    expect(options['IdentityFile']).toBe('"/a b/100%%h"');
  });

  it.each(['/a"b', '/a\\b', '/a\nb', '/${HOME}/x'])('refuses a path that OpenSSH would take for another: %j', (path) => {
    expect(() => trustOptions({ ...endpoint, knownHostsPath: path })).toThrow(
      expect.objectContaining({ code: 'HOST_FAILED' }),
    );
  });
});
