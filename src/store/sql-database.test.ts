import { describe, expect, it } from 'vitest';
import { hasSafeWal, sqlError } from './sql-database.ts';

describe('hasSafeWal', () => {
  it.each([
    ['3.51.2', false],
    ['3.51.3', true],
    ['3.51.10', true],
    ['3.52.0', true],
    ['3.50.99', false],
    ['3.6.0', false],
    ['4.0.0', true],
    ['2.99.99', false],
    ['', false],
  ])('answers for SQLite %s: %s', (version, safe) => {
    expect(hasSafeWal(version)).toBe(safe);
  });
});

describe('sqlError', () => {
  const failure = (errcode: unknown): Error => Object.assign(new Error('sqlite says no'), { errcode });

  it.each([
    [5, 'BUSY'],
    [5 | (2 << 8), 'BUSY'],
    [6, 'BUSY'],
    [11, 'STORE_INVALID'],
    [26, 'STORE_INVALID'],
    [13, 'NO_SPACE'],
    [8, 'PERMISSION_DENIED'],
    [14, 'PERMISSION_DENIED'],
    [1, 'HOST_FAILED'],
    [19 | (6 << 8), 'HOST_FAILED'],
  ])('turns the result code %i into %s', (code, expected) => {
    const error = sqlError(failure(code), 'use /db', '/db');
    expect(error.code).toBe(expected);
    expect(error.details).toMatchObject({ path: '/db', sqliteCode: code });
  });

  it.each([
    ['database is locked', 'BUSY'],
    ['database disk image is malformed', 'STORE_INVALID'],
    ['file is not a database', 'STORE_INVALID'],
    ['database or disk is full', 'NO_SPACE'],
    ['attempt to write a readonly database', 'PERMISSION_DENIED'],
    ['disk I/O error', 'HOST_FAILED'],
  ])('understands "%s" also without a number: %s', (message, expected) => {
    const error = Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR' });
    expect(sqlError(error, 'use /db', '/db').code).toBe(expected);
  });

  it('treats what is no error of SQLite as any other', () => {
    expect(sqlError(failure('x'), 'use /db', '/db').code).toBe('INTERNAL');
    const denied = Object.assign(new Error('x'), { code: 'EACCES' });
    expect(sqlError(denied, 'use /db', '/db').code).toBe('PERMISSION_DENIED');
  });
});
