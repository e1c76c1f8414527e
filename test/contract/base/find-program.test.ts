import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileIdentity, findProgram, isProgram } from '../../../src/base/find-program.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();

describe('findProgram', () => {
  it('finds what every system has and not what none has', () => {
    expect(findProgram('sh')).toMatch(/^\/.*\/sh$/);
    expect(findProgram('smolvm-no-such-program')).toBeUndefined();
  });
});

describe('isProgram', () => {
  it('wants a file that may be run', () => {
    const path = join(folder(), 'program');
    expect(isProgram(path)).toBe(false);
    writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 });
    expect(isProgram(path)).toBe(false);
    chmodSync(path, 0o755);
    expect(isProgram(path)).toBe(true);
    expect(isProgram(join(path, 'below'))).toBe(false);
  });

  it('says no to a folder', () => {
    const path = join(folder(), 'folder');
    mkdirSync(path, { mode: 0o755 });
    expect(isProgram(path)).toBe(false);
  });
});

describe('fileIdentity', () => {
  it('stays while the file does, and changes when it is replaced or touched', () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'one');
    const first = fileIdentity(path);
    expect(fileIdentity(path)).toBe(first);
    writeFileSync(path, 'other');
    const second = fileIdentity(path);
    utimesSync(path, 1, 1);
    expect(new Set([first, second, fileIdentity(path)]).size).toBe(3);
  });
});
