import { expect, test } from 'vitest';
import { imageCommand } from './image-command.ts';

const config = {
  env: {},
  workdir: '',
  user: '',
  entrypoint: ['/entry', '-x'],
  cmd: ['serve'],
  exposedPorts: [],
};

test.each([
  [[], undefined, ['/entry', '-x', 'serve']],
  [['a', 'b'], undefined, ['/entry', '-x', 'a', 'b']],
  [['a'], '', ['a']],
  [['a'], 'other', ['other', 'a']],
  // Another entrypoint makes nothing of the words that were meant for the image's own.
  [[], 'other', ['other']],
] as const)('words %j with entrypoint %j run %j', (words, entrypoint, command) => {
  expect(imageCommand(config, words, entrypoint)).toEqual(command);
});

test('an image that says nothing runs what is given, and needs it', () => {
  expect(imageCommand(null, ['ls'], undefined)).toEqual(['ls']);
  expect(() => imageCommand(null, [], undefined)).toThrow(/no command to run/);
  expect(() => imageCommand(config, [], '')).toThrow(/no command to run/);
  expect(() => imageCommand(null, [''], undefined)).toThrow(/is empty/);
});
