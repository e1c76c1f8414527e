import { expect, test } from 'vitest';
import { addressOf, parsePortPair } from './port-request.ts';
import { UsageError } from './usage-error.ts';

test.each([
  ['8080', { guestPort: 8080, hostPort: undefined }],
  ['8080:3000', { guestPort: 8080, hostPort: 3000 }],
  ['0:99999', { guestPort: 0, hostPort: 99_999 }],
])('%s', (text, expected) => {
  expect(parsePortPair(text)).toEqual(expected);
});

test.each(['', 'http', '80:', ':80', '80:80:80', '-1', '80/tcp', '9'.repeat(20)])('%j is refused', (text) => {
  expect(() => parsePortPair(text)).toThrow(UsageError);
});

test('an address as a URL has it', () => {
  expect(addressOf({ host: '127.0.0.1', hostPort: 80 })).toBe('127.0.0.1:80');
  expect(addressOf({ host: '::1', hostPort: 80 })).toBe('[::1]:80');
});
