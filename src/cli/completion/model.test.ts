import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../program.ts';
import { bashScript } from './bash-script.ts';
import { fishScript } from './fish-script.ts';
import { completedCommands, type CompletedCommand } from './model.ts';
import { zshScript } from './zsh-script.ts';

const commands = completedCommands(
  buildProgram({ env: {}, choose: () => undefined, onJson: () => undefined }),
);

function find(path: string): CompletedCommand {
  const found = commands.find((command) => command.path === path);
  if (found === undefined) throw new Error(`no command '${path}'`);
  return found;
}

describe('the commands to complete', () => {
  test('are those that help shows', () => {
    const paths = commands.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['', 'run', 'env set', 'port wait', 'help', 'env help']));
    expect(paths).not.toContain('__complete');
    expect(find('env').subcommands.map(({ name }) => name)).toEqual(['set', 'unset', 'list', 'help']);
  });

  test('know what their arguments are', () => {
    const kinds = (path: string) => find(path).arguments.map(({ kind }) => kind);
    expect(kinds('exec')).toEqual(['vm', 'text']);
    expect(kinds('cp')).toEqual(['place', 'place']);
    expect(kinds('create')).toEqual(['text']);
    expect(find('delete').arguments).toEqual([{ kind: 'vm', isLast: true }]);
    expect(find('completion').arguments).toEqual([
      { kind: 'words', words: ['bash', 'zsh', 'fish'], isLast: false },
    ]);
    expect(find('env help').arguments).toMatchObject([{ words: ['set', 'unset', 'list', 'help'] }]);
  });

  test('know where the words of the guest begin', () => {
    expect(find('run').guestWordsFrom).toBe(1);
    expect(find('exec').guestWordsFrom).toBe(2);
    expect(find('env set').guestWordsFrom).toBe(Infinity);
  });

  test('know which options take files', () => {
    const { options } = find('env set');
    expect(options.find(({ long }) => long === '--file')?.value).toEqual({ kind: 'files' });
    expect(options.find(({ long }) => long === '--replace')?.value).toBeUndefined();
  });
});

test.each([bashScript, zshScript, fishScript])('a script quotes what it says', (script) => {
  const odd = new Command('odd').description('x');
  odd.command('a').description(`it's $(touch /tmp/x) \`id\` \\ "q"`);
  expect(script(completedCommands(odd))).toMatch(/'it(\\'|'\\'')s \$\(touch/);
});
