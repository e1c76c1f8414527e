import { expect, it } from 'vitest';
import { sha512Crypt } from './sha512-crypt.ts';

// The first is of the specification, the others are of crypt(3).
it.each([
  [
    'Hello world!',
    'saltstring',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  [
    'smolvm',
    'abcdefgh./ABCDEF',
    '$6$abcdefgh./ABCDEF$65iL2h3Shb3bOB3raW6dGDYVQaTUBqSd3aUnCE/dQ4ahmRO1Y/EAYOHgxN1vLMNESnfg3ClbeptGmmjsfTC4c1',
  ],
  [
    'pässwörd'.repeat(20),
    'xy',
    '$6$xy$HfhDpX3o7riDlEUp8WsnQI6g68/z5UDJ7cN7N.LC29DhJaWVpSZpUC4SAc7FfMBIUYGww1L7fl8EgRiXQjc1N.',
  ],
  [
    'x'.repeat(64),
    '0123456789abcdef',
    '$6$0123456789abcdef$hmNE.PPROh2fRZoO4CdTMCwfayyElBe82a7IIN6INBHhK9cgTY7v75RHFxN7bRngOafwACIdMX/ZEBUOEQHVa1',
  ],
])('hashes %j with the salt %s as crypt(3) does', (password, salt, expected) => {
  expect(sha512Crypt(password, salt)).toBe(expected);
});
