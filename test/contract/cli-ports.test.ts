import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findProcesses } from '../../src/base/process-ref.ts';
import { homeTag } from '../../src/spec/file-names.ts';
import { cli, json, onTerminal, start } from '../support/cli.ts';
import { withWorld } from '../support/world.ts';

withWorld();

/** The ports of the stand-in's guest are those of this host. */
let server: Server;
let guestPort = '';

beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined).end('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello');
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  guestPort = String((server.address() as AddressInfo).port);
  expect(await cli(['create', 'box', '--start'])).toMatchObject({ exitCode: 0 });
});

afterEach(async () => {
  await cli(['delete', '--force', 'box']);
  server.close();
  await once(server, 'close');
});

async function read(address: string): Promise<string> {
  return (await fetch(`http://${address}/`)).text();
}

describe('port', () => {
  test('expose prints the address, once for the same forward; list and close know it', async () => {
    expect((await cli(['port', 'list', 'box'])).stdout).toBe('GUEST PORT  ADDRESS\n');
    const { exitCode, stdout: address, stderr } = await cli(['port', 'expose', 'box', guestPort]);
    expect({ exitCode, address, stderr }).toMatchObject({
      exitCode: 0,
      address: expect.stringMatching(/^127\.0\.0\.1:\d+\n$/) as string,
      stderr: '',
    });
    expect((await cli(['port', 'expose', 'box', guestPort])).stdout).toBe(address);
    const hostPort = Number(address.split(':')[1]);
    const forward = { host: '127.0.0.1', hostPort, guestPort: Number(guestPort) };
    expect(await json(['port', 'list', 'box'])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'port list', data: { vmId: 'box', forwards: [forward] } },
    });
    expect(await json(['port', 'expose', 'box', guestPort])).toMatchObject({
      envelope: { command: 'port expose', data: { vmId: 'box', ...forward } },
    });
    expect(await read(address.trim())).toBe('hello');
    expect((await onTerminal(`port close box ${guestPort}:${hostPort}`)).stdout).toBe(
      `127.0.0.1:${hostPort} is closed\n`,
    );
    expect(await json(['port', 'close', 'box', guestPort])).toMatchObject({
      exitCode: 0,
      envelope: { command: 'port close', data: { vmId: 'box', closed: [] } },
    });
    await expect(read(address.trim())).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('expose takes exactly the port and address that were asked for, or fails', async () => {
    expect(await cli(['port', 'expose', 'box', `80:${guestPort}`])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining(`127.0.0.1:${guestPort}`) as string,
    });
    expect((await cli(['port', 'expose', 'box', guestPort, '--host', '127.0.0.2'])).stdout).toMatch(
      /^127\.0\.0\.2:\d+\n$/,
    );
    expect(await cli(['port', 'expose', 'box', '80', '--host', 'localhost'])).toMatchObject({ exitCode: 2 });
    expect(await cli(['port', 'expose', 'box', '99999'])).toMatchObject({ exitCode: 2 });
  });

  test('a stop ends its forwards before it returns, also when their process hangs', async () => {
    const address = (await cli(['port', 'expose', 'box', guestPort])).stdout.trim();
    expect(await read(address)).toBe('hello');
    const forwarders = findProcesses(`smolvm:${homeTag(String(process.env['SMOLVM_HOME']))}:box:forward`);
    expect(forwarders).toHaveLength(1);
    for (const { pid } of forwarders) process.kill(pid, 'SIGSTOP');
    expect(await cli(['stop', 'box'])).toMatchObject({ exitCode: 0 });
    await expect(read(address)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('wait ends when something listens, and fails after its time', async () => {
    expect(await json(['port', 'wait', 'box', guestPort])).toEqual({
      exitCode: 0,
      envelope: { ok: true, command: 'port wait', data: { vmId: 'box', ports: [Number(guestPort)] } },
    });
    expect(await cli(['port', 'wait', 'box', '1', '--timeout', '300ms'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('300 ms') as string,
    });
  });

  test('wait is ended by Ctrl-C', async () => {
    const { child, ended } = start(['port', 'wait', 'box', '1']);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130, stderr: '' });
  });

  test.each(['expose', 'close'])('%s in a VM that is not there', async (command) => {
    expect(await cli(['port', command, 'gone', '80'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`there is no VM 'gone'`) as string,
    });
  });
});
