import { describe, expect, test } from 'vitest';
import { copyRequest } from './copy-request.ts';
import { UsageError } from './usage-error.ts';

const raw = { makeDirs: true };

describe('copyRequest', () => {
  test.each([
    ['a.txt', 'box:/srv/', { direction: 'upload', vmId: 'box', localPath: 'a.txt', guestPath: '/srv/' }],
    ['box:/srv/a:b', '.', { direction: 'download', vmId: 'box', localPath: '.', guestPath: '/srv/a:b' }],
    ['-', 'box:/a', { direction: 'upload', vmId: 'box', localPath: null, guestPath: '/a' }],
    ['box:/a', '-', { direction: 'download', vmId: 'box', localPath: null, guestPath: '/a' }],
    ['./a:b', 'box:/', { direction: 'upload', vmId: 'box', localPath: './a:b', guestPath: '/' }],
    ['/tmp/a:/b', 'box:/c', { direction: 'upload', vmId: 'box', localPath: '/tmp/a:/b', guestPath: '/c' }],
    ['./-', 'box:/a', { direction: 'upload', vmId: 'box', localPath: './-', guestPath: '/a' }],
  ])('%s → %s', (from, to, expected) => {
    expect(copyRequest(from, to, raw)).toEqual({
      ...expected,
      options: { user: undefined, makeDirs: true },
    });
  });

  test('hands options on', () => {
    expect(copyRequest('a', 'box:/a', { user: 'nobody', makeDirs: false }).options).toEqual({
      user: 'nobody',
      makeDirs: false,
    });
  });

  test.each([
    ['a', 'b', 'neither path is in a VM'],
    ['-', '-', 'neither path is in a VM'],
    ['a:/x', 'b:/y', 'both paths are in VMs'],
    ['', 'b:/y', 'a path is empty'],
    ['box:x', 'b', `expected NAME:/path with an absolute path, received 'box:x'`],
    ['box:', 'b', `expected NAME:/path with an absolute path, received 'box:'`],
    [':/x', 'b', `expected NAME:/path with an absolute path, received ':/x'`],
    ['-', 'box:/srv/', `stdin has no name: 'box:/srv/' must name the file, not its folder`],
  ])('%j → %j is refused', (from, to, message) => {
    const copy = () => copyRequest(from, to, raw);
    expect(copy).toThrow(UsageError);
    expect(copy).toThrow(message);
  });
});
