// A real application image: Debian with Node.js and a small service, 4 GiB, built from a Dockerfile. The VM is asked
// through a port of this host, and is gone afterwards; the image stays in the cache, so that the next run takes seconds.
//
//   BASE_IMAGE   an image of Debian that has apt (default: debian:bookworm-slim)
import { DockerRootfsBuilder, SmolVM } from 'smolvm';

const SERVICE = `
import { createServer } from 'node:http';
import { release } from 'node:os';

createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ path: request.url, node: process.version, kernel: release() }));
}).listen(8080, '127.0.0.1');
`;

const builder = new DockerRootfsBuilder({
  name: 'node-service',
  dockerfile: `
    ARG BASE
    FROM $BASE
    RUN apt-get update && apt-get install -y --no-install-recommends nodejs && rm -rf /var/lib/apt/lists/*
    COPY service.mjs /srv/service.mjs
  `,
  context: { 'service.mjs': SERVICE },
  buildArgs: { BASE: process.env['BASE_IMAGE'] ?? 'debian:bookworm-slim' },
  rootfsSizeMib: 4_096,
});
const image = await builder.ensure({ backend: 'qemu', boot: 'agent' });

await using vm = await SmolVM.fromImage(image, { memSizeMib: 1_024 });
await vm.start();
const service = vm.spawn(['node', '/srv/service.mjs']);
await vm.waitForPorts([8080], { timeoutMs: 120_000 });
const { hostPort } = await vm.exposeLocal(8080);
const answer = await fetch(`http://127.0.0.1:${String(hostPort)}/hello`);
console.log(await answer.text());
service.kill();
await service.outcome;
