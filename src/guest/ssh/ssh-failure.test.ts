import { describe, expect, it } from 'vitest';
import { isTransient, sshFailure } from './ssh-failure.ts';

const ended = (stderr: string, exitCode: number | null = 255) =>
  sshFailure({ exitCode, endSignal: exitCode === null ? 'SIGKILL' : null, stderr });

describe('sshFailure', () => {
  it.each([
    'Host key verification failed.\r\n',
    'No ED25519 host key is known for box and you have requested strict checking.\r\nHost key verification failed.',
    'Unable to negotiate with 127.0.0.1 port 2200: no matching host key type found. Their offer: ssh-rsa',
  ])('tells a server with another key: %j', (stderr) => {
    expect(ended(stderr)).toMatchObject({ code: 'HOST_KEY_MISMATCH' });
    expect(isTransient(ended(stderr))).toBe(false);
  });

  it('tells a server that refuses our key', () => {
    const error = ended('root@127.0.0.1: Permission denied (publickey).');
    expect(error).toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
    expect(error.message).toContain('refuses our key');
    expect(isTransient(error)).toBe(false);
  });

  it.each([
    'ssh: connect to host 127.0.0.1 port 2200: Connection refused',
    'kex_exchange_identification: read: Connection reset by peer',
    'Connection timed out during banner exchange',
    'Connection closed by 127.0.0.1 port 2200',
  ])('tells a server that may be there later: %j', (stderr) => {
    expect(ended(stderr)).toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
    expect(isTransient(ended(stderr))).toBe(true);
  });

  it('names the exit code of what ran, or the signal', () => {
    expect(ended('sh: not found', 127).message).toContain('with code 127: sh: not found');
    expect(ended('', null).message).toContain('by SIGKILL');
    // Words of the guest's own program are no words of the client.
    expect(ended('Host key verification failed.', 1)).toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
  });

  it('shows nothing that a terminal would obey', () => {
    expect(ended('\u001b[2Jboo').message).not.toContain('\u001b');
  });
});
