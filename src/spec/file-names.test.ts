import { isAbsolute, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AGENT_PORT_COUNT,
  agentSocket,
  homeTag,
  MAX_SOCKET_PATH_BYTES,
  SOCKET_SUFFIX_BYTES,
  vmPaths,
} from './file-names.ts';
import { VM_ID_PATTERN } from './vm-id.ts';

const vmId = fc.stringMatching(VM_ID_PATTERN);

describe('the sockets of a VM', () => {
  it('fit into a socket address whenever their folder was found short enough', () => {
    fc.assert(
      fc.property(vmId, fc.nat({ max: MAX_SOCKET_PATH_BYTES - SOCKET_SUFFIX_BYTES - 1 }), (id, length) => {
        const run = `/${'r'.repeat(length)}`;
        const paths = vmPaths({ home: '/home', run }, id);
        const sockets = [
          paths.controlSocket,
          agentSocket(paths, 0),
          agentSocket(paths, AGENT_PORT_COUNT - 1),
        ];
        for (const socket of sockets)
          expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(MAX_SOCKET_PATH_BYTES);
      }),
    );
  });

  it('fit into the usual runtime folder of a user, with the longest id', () => {
    const run = `/run/user/1000/smolvm/${homeTag('/home/user/.smolvm')}`;
    const paths = vmPaths({ home: '/home/user/.smolvm', run }, 'x'.repeat(64));
    expect(Buffer.byteLength(agentSocket(paths, AGENT_PORT_COUNT - 1))).toBeLessThanOrEqual(
      MAX_SOCKET_PATH_BYTES,
    );
    expect(Buffer.byteLength(run) + SOCKET_SUFFIX_BYTES).toBeLessThanOrEqual(MAX_SOCKET_PATH_BYTES);
  });

  it('are all different', () => {
    const paths = vmPaths({ home: '/h', run: '/r' }, 'box');
    const sockets = Array.from({ length: AGENT_PORT_COUNT }, (_, port) => agentSocket(paths, port));
    expect(new Set([...sockets, paths.controlSocket, paths.vmmRef, paths.vmmLog]).size).toBe(
      AGENT_PORT_COUNT + 3,
    );
  });
});

describe('the files of a VM', () => {
  it('are in the folders of that VM, whatever its id', () => {
    const inside = (folder: string, path: string): boolean => {
      const way = relative(folder, path);
      return way !== '' && !way.startsWith('..') && !isAbsolute(way);
    };
    fc.assert(
      fc.property(vmId, (id) => {
        const paths = vmPaths({ home: '/h', run: '/r' }, id);
        expect(inside('/h/vms', paths.folder) && inside('/r', paths.runFolder)).toBe(true);
        for (const path of [paths.disk, paths.consoleLog]) expect(inside(paths.folder, path)).toBe(true);
        for (const path of [paths.controlSocket, paths.vmmRef, paths.vmmLog]) {
          expect(inside(paths.runFolder, path)).toBe(true);
        }
      }),
    );
  });

  it('never belong to two VMs', () => {
    fc.assert(
      fc.property(vmId, vmId, (one, other) => {
        fc.pre(one !== other);
        const [a, b] = [vmPaths({ home: '/h', run: '/r' }, one), vmPaths({ home: '/h', run: '/r' }, other)];
        for (const key of Object.keys(a) as (keyof typeof a)[]) expect(a[key]).not.toBe(b[key]);
      }),
    );
  });

  it('have a marker that tells apart equal ids of two state folders', () => {
    const marker = (home: string): string => vmPaths({ home, run: '/r' }, 'box').marker;
    expect(marker('/a')).toMatch(/^smolvm:[0-9a-f]+:box$/);
    expect(marker('/a')).not.toBe(marker('/b'));
    expect(marker('/a')).toBe(marker('/a'));
  });
});
