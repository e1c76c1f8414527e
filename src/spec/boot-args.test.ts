import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addedBootWords,
  bootArgsProblem,
  DEFAULT_BOOT_ARGS,
  directTextProblem,
  SSH_BOOT_ARGS,
  withMissingWords,
} from './boot-args.ts';

describe('boot arguments', () => {
  it('that are the default add nothing', () => {
    expect(addedBootWords(DEFAULT_BOOT_ARGS)).toEqual([]);
    expect(addedBootWords('')).toEqual([]);
  });

  it('add every other word, in order, and leave out the words of the default wherever they stand', () => {
    expect(addedBootWords('panic=1 loglevel=7 reboot=k  nokaslr panic=10')).toEqual([
      'loglevel=7',
      'nokaslr',
      'panic=10',
    ]);
  });

  it('may hold init=/init, which does nothing', () => {
    expect(addedBootWords('console=ttyS0 reboot=k panic=1 init=/init')).toEqual([]);
  });

  it('may be those of SSH images, of which only rw is left', () => {
    expect(SSH_BOOT_ARGS).toBe('console=ttyS0 reboot=k panic=1 pci=off root=/dev/vda rw init=/init');
    expect(bootArgsProblem(SSH_BOOT_ARGS)).toBeUndefined();
    expect(addedBootWords(SSH_BOOT_ARGS)).toEqual(['rw']);
  });

  it('keep quoted spaces within one word', () => {
    expect(addedBootWords('dyndbg="file x +p" foo')).toEqual(['dyndbg="file x +p"', 'foo']);
  });

  it.each([
    'root=/dev/sda',
    'quiet root=/dev/sda',
    'root=/dev/vdab',
    'root=/dev/vda1 rw',
    'root=/dev/vda root=/dev/vdb',
    'quiet "root=/dev/sda"',
    'smolvm.hostname=other',
    'a\nb',
    'a\0b',
    'a\tb',
    'foo="a',
    'x'.repeat(2_001),
    `${'ä'.repeat(1_000)}x`,
    'x'.repeat(1_401),
  ])('are refused: %j', (bootArgs) => {
    expect(bootArgsProblem(bootArgs)).toMatch(/^expected /);
  });

  it.each(['', 'quiet', 'rootflags=noatime', 'rootwait', 'x'.repeat(1_400), 'console=ttyAMA0 init=/init'])(
    'are taken: %j',
    (bootArgs) => {
      expect(bootArgsProblem(bootArgs)).toBeUndefined();
    },
  );

  it('of a direct boot are only bounded', () => {
    expect(directTextProblem('root=/dev/sda smolvm.x=1 -- a')).toBeUndefined();
    for (const text of ['a\nb', 'foo="a', 'x'.repeat(1_401)])
      expect(directTextProblem(text)).toMatch(/^expected /);
  });

  it('keep an ip= and a key that are there, and get those that are missing (behaviour 14)', () => {
    const words = ['ip=10.0.0.2::10.0.0.1:255.255.255.0::eth0:off', 'smolvm.authorized_key_b64=AAAA'];
    expect(withMissingWords('root=/dev/vda', words)).toBe(`root=/dev/vda ${words.join(' ')}`);
    const given = 'ip=dhcp root=/dev/vda smolvm.authorized_key_b64=BBBB';
    expect(withMissingWords(given, words)).toBe(given);
    expect(withMissingWords('a -- ip=1 b', ['ip=2'])).toBe('a ip=2 -- ip=1 b');
  });

  it('that are taken leave room for our own words in the 2,047 bytes of the kernel, and never end a quote of ours', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '"', ' ', '=', 'ä', 'root='), maxLength: 1_500 }),
        (text) => {
          if (bootArgsProblem(text) !== undefined) return;
          const added = addedBootWords(text).join(' ');
          expect(Buffer.byteLength(added)).toBeLessThanOrEqual(1_400);
          expect(added.split('"').length % 2).toBe(1);
        },
      ),
    );
  });
});
