import { describe, expect, it } from 'vitest';
import { ImageError } from '../../errors.ts';
import { authorizedKeyWord } from './authorized-key.ts';
import { withoutImageId } from './engine-layer.ts';
import { parseInspected } from './inspected-image.ts';
import { withRootPassword } from './root-password.ts';
import { alpineSshDockerfile, debianSshDockerfile, sshdConfig } from './ssh-dockerfiles.ts';

describe('authorizedKeyWord', () => {
  it('strips white space before it encodes', () => {
    const word = authorizedKeyWord('  ssh-ed25519 AAAA me@host\n');
    expect(word).toBe(
      `smolvm.authorized_key_b64=${Buffer.from('ssh-ed25519 AAAA me@host').toString('base64')}`,
    );
  });

  it.each([
    '',
    'AAAA',
    'ecdsa-sha2-nistp256 AAAA',
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'ssh-rsa A\nssh-rsa B',
    `ssh-rsa ${'A'.repeat(1_000)}`,
  ])('refuses %j', (key) => {
    expect(() => authorizedKeyWord(key)).toThrow(ImageError);
  });
});

describe('withRootPassword', () => {
  it('changes the hash of root and nothing else', () => {
    const shadow = 'daemon:*:1:0:::::\nroot:*:19000:0:99999:7:::\nrooty:!:1::::::\n';
    expect(withRootPassword(shadow, '$6$a$b')).toBe(
      'daemon:*:1:0:::::\nroot:$6$a$b:19000:0:99999:7:::\nrooty:!:1::::::\n',
    );
    expect(() => withRootPassword('rooty:*::\n', 'x')).toThrow(ImageError);
  });
});

describe('Dockerfiles', () => {
  const key = { baseImage: 'alpine:3.19', login: 'key', mirror: undefined } as const;

  it('Alpine', () => {
    expect(alpineSshDockerfile({ ...key, mirror: 'http://mirror.example/alpine' }).split('\n')).toEqual([
      'FROM alpine:3.19',
      "RUN sed -i 's|https\\?://dl-cdn.alpinelinux.org/alpine|http://mirror.example/alpine|' /etc/apk/repositories",
      'RUN apk add --no-cache openssh iproute2 curl bash python3',
      'COPY sshd_config /etc/ssh/sshd_config',
      expect.stringContaining('rm -f /etc/ssh/ssh_host_*'),
      '',
    ]);
    expect(alpineSshDockerfile(key)).not.toContain('sed');
  });

  it('Debian', () => {
    const text = debianSshDockerfile({ ...key, baseImage: 'debian:bookworm-slim' });
    expect(text).toMatch(/^FROM debian:bookworm-slim\nRUN apt-get update/);
    expect(text).toContain('openssh-server');
  });

  it.each(['a b', 'x\nRUN evil', '--platform=x', '', '$(id)'])('no base image %j', (baseImage) => {
    expect(() => alpineSshDockerfile({ ...key, baseImage })).toThrow(/baseImage/);
  });

  it.each(['ftp://x', "http://x/'; evil", 'http://x|y', 'http://x\ny'])('no mirror %j', (mirror) => {
    expect(() => debianSshDockerfile({ ...key, mirror })).toThrow(/mirror/);
  });

  it('passwords log in only where they are wanted', () => {
    expect(sshdConfig('key')).toMatch(/PermitRootLogin prohibit-password\nPasswordAuthentication no/);
    expect(sshdConfig('password')).toMatch(/PermitRootLogin yes\nPasswordAuthentication yes/);
  });
});

describe('withoutImageId', () => {
  const id = Buffer.from(`${'0a'.repeat(32)}\n`);
  const joined = async (...pieces: readonly Buffer[]): Promise<Buffer> => {
    async function* bytes() {
      for (const piece of pieces) yield await Promise.resolve(piece);
    }
    const out: Buffer[] = [];
    for await (const piece of withoutImageId(bytes())) out.push(piece);
    return Buffer.concat(out);
  };

  it('takes off an id, in however many pieces, and nothing else', async () => {
    const archive = Buffer.concat([Buffer.alloc(700, 1), Buffer.alloc(1024)]);
    expect(await joined(archive, id)).toEqual(archive);
    expect(await joined(...Array.from(Buffer.concat([archive, id]), (byte) => Buffer.of(byte)))).toEqual(
      archive,
    );
    expect(await joined(archive)).toEqual(archive);
    expect(await joined(Buffer.from('short'))).toEqual(Buffer.from('short'));
    expect(await joined()).toEqual(Buffer.alloc(0));
  });
});

describe('parseInspected', () => {
  const config = {
    Env: ['PATH=/bin', 'A=b=c', 'EMPTY=', 'NONE'],
    WorkingDir: '/w',
    User: '1000',
    Cmd: ['x'],
    Entrypoint: null,
    ExposedPorts: { '80/tcp': {} },
  };
  const expected = {
    env: { PATH: '/bin', A: 'b=c', EMPTY: '' },
    workdir: '/w',
    user: '1000',
    entrypoint: [],
    cmd: ['x'],
    exposedPorts: ['80/tcp'],
  };

  it('reads what Docker and Podman say, and what Buildah does', () => {
    const docker = JSON.stringify([{ Os: 'linux', Architecture: 'amd64', Config: config, Size: 1 }]);
    expect(parseInspected('docker', 'x', docker)).toEqual(expected);
    const buildah = JSON.stringify({ Docker: { os: 'linux', architecture: 'amd64', config } });
    expect(parseInspected('buildah', 'x', buildah)).toEqual(expected);
    const bare = JSON.stringify([{ Os: 'linux', Architecture: 'amd64', Config: null }]);
    expect(parseInspected('podman', 'x', bare)).toMatchObject({ env: {}, cmd: [], workdir: '' });
  });

  it.each([
    ['no', /no JSON/],
    ['[]', /is not one/],
    ['[{"Os":"linux","Architecture":"arm64"}]', /arm64/],
    ['[{"Os":"windows","Architecture":"amd64"}]', /windows/],
    ['[{"Os":"linux","Architecture":"amd64","Config":{"WorkingDir":"relative"}}]', /absolute/],
    ['[{"Os":"linux","Architecture":"amd64","Config":{"Env":"A=b"}}]', /is not one/],
  ])('refuses %s', (text, message) => {
    expect(() => parseInspected('docker', 'x', text)).toThrow(message);
  });
});
