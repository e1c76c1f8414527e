import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { pullImage } from '../../../../src/image/oci/pull.ts';
import type { PullRequest } from '../../../../src/image/oci/pull-request.ts';
import { FakeRegistry } from '../../../support/fake-registry.ts';
import { makeImage } from '../../../support/oci-image.ts';
import { RegistryProcess } from '../../../support/registry-process.ts';
import { withTemporaryFolder } from '../../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const { signal } = new AbortController();
const pull = (reference: string, more: Partial<PullRequest> = {}) =>
  pullImage({
    reference,
    platform: 'linux/amd64',
    imagesFolder: join(folder(), 'images'),
    signal,
    retryPauseMs: 1,
    ...more,
  });

const SECRET = 'hunter2-correct-horse';
const TOKEN = 'ticket.for.one';

/** A registry that asks for a token, gives one to `me` with the secret, and tells what its issuer was asked. */
async function tokenRegistry() {
  const registry = await FakeRegistry.start();
  const issued: {
    readonly method: string;
    readonly url: string;
    readonly authorization: string | undefined;
    readonly body: string;
  }[] = [];
  const state = { answer: JSON.stringify({ token: TOKEN, expires_in: 300 }), status: 200, valid: TOKEN };
  registry.intercept = async (request, response) => {
    if (request.url?.startsWith('/token') === true) {
      let body = '';
      for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
      const { method = '', url = '', headers } = request;
      issued.push({ method, url, authorization: headers.authorization, body });
      response.writeHead(state.status, { 'content-type': 'application/json' }).end(state.answer);
      return true;
    }
    if (request.headers.authorization === `Bearer ${state.valid}`) return false;
    const scope = 'repository:test/image:pull,push';
    const challenge = `Bearer realm="http://${registry.host}/token",service="a service",scope="${scope}"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  };
  return { registry, issued, state, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

/** Writes a Docker configuration; returns its path. */
function dockerConfig(config: unknown): string {
  const path = join(folder(), 'config.json');
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

/** Makes a credential helper of a shell script; returns the environment in which it is found. */
function helper(name: string, script: string): Record<string, string> {
  const bin = join(folder(), 'bin');
  mkdirSync(bin);
  const path = join(bin, `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { PATH: `${bin}:/usr/bin:/bin`, HOME: folder() };
}

const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`;

describe('a registry that wants a token', () => {
  it('gets one that anybody is given, for no more than reading, once', async () => {
    await using place = await tokenRegistry();
    const { registry, issued } = place;
    await pull(registry.add(await makeImage()));
    expect(issued).toEqual([
      {
        method: 'GET',
        url: '/token?scope=repository%3Atest%2Fimage%3Apull&service=a+service',
        authorization: undefined,
        body: '',
      },
    ]);
  });

  it('gets one for who we are: name and password go to its issuer only', async () => {
    await using place = await tokenRegistry();
    const { registry, issued } = place;
    const reference = registry.add(await makeImage());
    const dockerConfigPath = dockerConfig({
      auths: { [registry.host]: { auth: basic.slice('Basic '.length) } },
    });
    await pull(reference, { dockerConfigPath });
    expect(issued.map(({ authorization }) => authorization)).toEqual([basic]);
    const others = registry.seen.filter(({ url }) => !url.startsWith('/token'));
    expect(new Set(others.map(({ authorization }) => authorization))).toEqual(
      new Set([undefined, `Bearer ${TOKEN}`]),
    );
  });

  it('gets another when the first has run out', async () => {
    await using place = await tokenRegistry();
    const { registry, issued, state } = place;
    const image = await makeImage();
    const reference = registry.add(image);
    const intercept = registry.intercept;
    let isChanged = false;
    registry.intercept = (request, response) => {
      if (!isChanged && request.url?.includes('/blobs/') === true) {
        isChanged = true;
        state.valid = 'second';
        state.answer = JSON.stringify({ access_token: 'second' });
      }
      return intercept(request, response);
    };
    await pull(reference);
    expect(issued).toHaveLength(2);
  });

  it('gets a refresh token in the body of the request, as a helper keeps it', async () => {
    await using place = await tokenRegistry();
    const { registry, issued } = place;
    const helperEnv = helper(
      'keeper',
      `cat > "$HOME/asked"; echo '{"Username":"<token>","Secret":"${SECRET}"}'`,
    );
    const dockerConfigPath = dockerConfig({ credHelpers: { [registry.host]: 'keeper' } });
    await pull(registry.add(await makeImage()), { dockerConfigPath, helperEnv });
    expect(readFileSync(join(folder(), 'asked'), 'utf8')).toBe(registry.host);
    expect(issued).toMatchObject([{ method: 'POST', url: '/token', authorization: undefined }]);
    expect(new URLSearchParams(issued[0]?.body).get('refresh_token')).toBe(SECRET);
  });

  it.each([
    ['no token', (state: { answer: string }) => void (state.answer = '{}')],
    ['no JSON', (state: { answer: string }) => void (state.answer = SECRET)],
    [
      'a token that breaks a header',
      (state: { answer: string }) => void (state.answer = JSON.stringify({ token: `x\r\nx: ${SECRET}` })),
    ],
    [
      'a token without end',
      (state: { answer: string }) => void (state.answer = `{"token":"${SECRET.repeat(10_000)}"}`),
    ],
    ['a refusal', (state: { status: number }) => void (state.status = 403)],
    ['an error each time', (state: { status: number }) => void (state.status = 500)],
    ['a token that it does not take', (state: { valid: string }) => void (state.valid = 'another')],
  ])('and gives %s, is refused without a word of a secret', async (_what, change) => {
    await using place = await tokenRegistry();
    const { registry, state } = place;
    const reference = registry.add(await makeImage());
    change(state);
    const error: unknown = await pull(reference, { credentials: { username: 'me', password: SECRET } }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'IMAGE_INVALID', hint: expect.stringMatching(/./) as unknown });
    const shown = inspect(error, { depth: 10 });
    for (const secret of [SECRET, TOKEN, basic.slice(6)]) expect(shown).not.toContain(secret);
  });

  it('is not told a token that would break a header', async () => {
    await using place = await tokenRegistry();
    const { registry } = place;
    const error: unknown = await pull(registry.add(await makeImage()), {
      credentials: { registryToken: `${SECRET}\n` },
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(inspect(error, { depth: 10 })).not.toContain(SECRET);
  });
});

describe('credentials of docker', () => {
  it('that are not there are no matter where none are needed', async () => {
    await using registry = await FakeRegistry.start();
    const reference = registry.add(await makeImage());
    await pull(reference, { dockerConfigPath: join(folder(), 'none/config.json') });
    await using place = await tokenRegistry();
    const { registry: asking } = place;
    await pull(asking.add(await makeImage()), { dockerConfigPath: join(folder(), 'none.json') });
    const helperEnv = helper('empty', 'echo "credentials not found in native keychain"; exit 1');
    await pull(asking.add(await makeImage()), {
      dockerConfigPath: dockerConfig({ credsStore: 'empty' }),
      helperEnv,
    });
  });

  it.each([
    ['is not installed', undefined, 'HOST_FAILED', /cannot start docker-credential-keeper/],
    ['fails', `echo ${SECRET}; echo ${SECRET} >&2; exit 3`, 'HOST_FAILED', /exit code 3/],
    ['says nothing of sense', `echo ${SECRET}`, 'INVALID_ARGUMENT', /docker-credential-keeper holds none/],
  ])('whose helper %s are a typed error without secrets', async (_what, script, code, message) => {
    await using place = await tokenRegistry();
    const { registry } = place;
    const reference = registry.add(await makeImage({ layers: [{ x: 'x' }] }));
    const helperEnv = script === undefined ? undefined : helper('keeper', script);
    const request = pull(reference, { dockerConfigPath: dockerConfig({ credsStore: 'keeper' }), helperEnv });
    const error: unknown = await request.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
    expect(inspect(error, { depth: 10 })).not.toContain(SECRET);
  });
});

describe('docker-registry behind an issuer of tokens', () => {
  it('is pulled from', async () => {
    await using registry = await RegistryProcess.start(join(folder(), 'registry'));
    const made = await makeImage({ layers: [{ a: 'a' }, { b: 'b' }, { c: 'c' }, { d: 'd' }] });
    await registry.push(made, 'team/app', 'v1');
    const front = createServer((request, response) => {
      if (request.url?.startsWith('/token') === true) {
        response.end(JSON.stringify({ token: TOKEN }));
      } else if (request.headers.authorization !== `Bearer ${TOKEN}`) {
        const realm = `http://${request.headers.host ?? ''}/token`;
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end();
      } else {
        // Blobs come from the other origin, as they do from a store behind a registry.
        const target = `http://${registry.host}${request.url ?? ''}`;
        response.writeHead(307, { location: target }).end();
      }
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    try {
      const { port } = front.address() as AddressInfo;
      const image = await pull(`127.0.0.1:${String(port)}/team/app:v1`);
      expect(image).toMatchObject({ digest: made.manifestDigest, fromCache: false });
    } finally {
      front.closeAllConnections();
      front.close();
    }
  });
});
