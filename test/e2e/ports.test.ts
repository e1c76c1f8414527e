import { once } from 'node:events';
import { createServer, connect, type AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { SmolVM } from 'smolvm';
import { useRealHost } from './real-host.ts';

useRealHost();

describe('a port of the host', () => {
  test('leads to a service on the loopback of the guest, both ways, for many connections', async () => {
    await using vm = await SmolVM.launch();
    await vm.files.write('/srv/www/index.html', 'hello from the guest');
    await using server = vm.spawn(['httpd', '-f', '-p', '127.0.0.1:8080', '-h', '/srv/www']);
    await server.pid();
    await vm.waitForPorts([8080]);
    const { host, hostPort, guestPort } = await vm.exposeLocal(8080);
    expect([host, guestPort]).toEqual(['127.0.0.1', 8080]);
    const pages = await Promise.all(
      [1, 2, 3, 4].map(async () => (await fetch(`http://127.0.0.1:${hostPort}/index.html`)).text()),
    );
    expect(pages).toEqual(pages.map(() => 'hello from the guest'));
    expect(await vm.exposeLocal(8080)).toEqual({ host, hostPort, guestPort });
    expect(await vm.listExposed()).toEqual([{ host, hostPort, guestPort }]);
    expect(await vm.unexposeLocal(8080)).toEqual([{ host, hostPort, guestPort }]);
    await expect(fetch(`http://127.0.0.1:${hostPort}/`)).rejects.toThrow();
    expect(await vm.unexposeLocal(8080)).toEqual([]);
  });

  test('passes bytes on until both sides have ended, and refuses as the guest refuses', async () => {
    await using vm = await SmolVM.launch();
    await using server = vm.spawn(['nc', '-l', '-p', '9000', '-e', 'cat']);
    await server.pid();
    await vm.waitForPorts([9000]);
    const { hostPort } = await vm.exposeLocal(9000);
    const socket = connect(hostPort, '127.0.0.1');
    const sent = Buffer.alloc(300_000, 'abc');
    socket.end(sent);
    expect(Buffer.compare(await buffer(socket), sent)).toBe(0);
    await using shortServer = vm.spawn(['nc', '-l', '-p', '9001', '-e', 'echo', 'bye']);
    await shortServer.pid();
    await vm.waitForPorts([9001]);
    const { hostPort: short } = await vm.exposeLocal(9001);
    // The guest ends first, and the client learns of that without ending anything itself.
    expect(await text(connect({ port: short, host: '127.0.0.1', allowHalfOpen: true }))).toBe('bye\n');
    const { hostPort: closed } = await vm.exposeLocal(9999);
    const refused = connect(closed, '127.0.0.1');
    await expect(text(refused)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('is exactly the one asked for, or an error', async () => {
    await using vm = await SmolVM.launch();
    await using taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(vm.exposeLocal(80, port)).rejects.toMatchObject({
      code: 'PORT_UNAVAILABLE',
      details: { errno: 'EADDRINUSE' },
    });
    await expect(vm.exposeLocal(0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await vm.listExposed()).toEqual([]);
    await expect(vm.waitForPorts([81], { timeoutMs: 300 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('stays when its maker has gone, is seen by others, and ends with the VM', async () => {
    const vm = await SmolVM.create({ vmId: 'ports', vcpuCount: 1 });
    await expect(vm.exposeLocal(80)).rejects.toMatchObject({ code: 'COMMAND_UNAVAILABLE' });
    await vm.start();
    const { hostPort } = await vm.exposeLocal(80);
    await vm.close();
    await using again = await SmolVM.fromId('ports');
    expect(await again.listExposed()).toEqual([{ host: '127.0.0.1', hostPort, guestPort: 80 }]);
    await again.stop();
    const late = connect(hostPort, '127.0.0.1');
    await expect(once(late, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await again.delete();
  });
});
