import { expect, test } from 'vitest';
import { loginShellOf } from './login-shell.ts';

const PASSWD = `root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
plain:x:1000:1000::/home/plain:
1000:x:7:7::/:/bin/named-like-a-number
odd:x:8:8::/:relative
short:x
`;

test.each([
  ['root', '/bin/bash'],
  ['0', '/bin/bash'],
  ['root:wheel', '/bin/bash'],
  ['0:0', '/bin/bash'],
  ['nobody', '/usr/sbin/nologin'],
  ['plain', '/bin/sh'],
  ['1000', '/bin/named-like-a-number'],
  ['odd', '/bin/sh'],
  ['short', '/bin/sh'],
  ['unknown', '/bin/sh'],
  ['', '/bin/sh'],
])('%s: %s', (user, shell) => {
  expect(loginShellOf(user, PASSWD)).toBe(shell);
  expect(loginShellOf(user, '')).toBe('/bin/sh');
});
