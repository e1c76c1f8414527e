import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CommandExecutionUnavailableError,
  ERROR_CODES,
  errnoOf,
  ImageError,
  isSmolVMError,
  OperationTimeoutError,
  SmolVMError,
  toSmolVMError,
  ValidationError,
  VMAlreadyExistsError,
  VMNotFoundError,
} from './errors.ts';

function systemError(errno: string): Error {
  return Object.assign(new Error(`${errno}: it went wrong, open '/x'`), { code: errno });
}

describe('the error classes', () => {
  it('name each code after itself', () => {
    for (const [name, value] of Object.entries(ERROR_CODES)) expect(value).toBe(name);
  });

  it.each<readonly [SmolVMError, string, string]>([
    [new ValidationError('VM options', ['a is wrong', 'b is wrong']), 'INVALID_ARGUMENT', 'ValidationError'],
    [new VMNotFoundError('box'), 'VM_NOT_FOUND', 'VMNotFoundError'],
    [new VMAlreadyExistsError('box'), 'VM_ALREADY_EXISTS', 'VMAlreadyExistsError'],
    [new ImageError('no image'), 'IMAGE_INVALID', 'ImageError'],
    [new OperationTimeoutError('start', 5), 'TIMEOUT', 'OperationTimeoutError'],
    [new CommandExecutionUnavailableError('no'), 'COMMAND_UNAVAILABLE', 'CommandExecutionUnavailableError'],
    [new SmolVMError('BUSY', 'busy'), 'BUSY', 'SmolVMError'],
  ])('carry their code and name: %s', (error, code, name) => {
    expect(error).toBeInstanceOf(SmolVMError);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe(code);
    expect(error.name).toBe(name);
  });

  it('tell the caller all problems of an input, as a sentence and as a list', () => {
    const error = new ValidationError('VM options', ['a is wrong', 'b is wrong']);
    expect(error.message).toBe('VM options: a is wrong; b is wrong');
    expect(error.problems).toEqual(['a is wrong', 'b is wrong']);
    expect(error.details['problems']).toEqual(['a is wrong', 'b is wrong']);
  });

  it('name the id that is missing or taken', () => {
    expect(new VMNotFoundError('box')).toMatchObject({ vmId: 'box', details: { vmId: 'box' } });
    expect(new VMAlreadyExistsError('box')).toMatchObject({ vmId: 'box', details: { vmId: 'box' } });
    expect(new VMAlreadyExistsError('box').hint).toContain('smolvm delete box');
  });

  it('say which operation passed which deadline', () => {
    const error = new OperationTimeoutError('start', 5, '; it was killed', { details: { console: 'x' } });
    expect(error.message).toBe('start did not finish within 5 ms; it was killed');
    expect(error.details).toEqual({ console: 'x', operation: 'start', timeoutMs: 5 });
  });

  it('keep the failure behind them, and have no cause property without one', () => {
    const cause = new Error('behind');
    expect(new SmolVMError('INTERNAL', 'x', { cause }).cause).toBe(cause);
    expect('cause' in new SmolVMError('INTERNAL', 'x')).toBe(false);
  });

  it('cannot have their facts changed', () => {
    const given = { path: '/a' };
    const error = new SmolVMError('INTERNAL', 'x', { details: given });
    given.path = '/b';
    expect(error.details).toEqual({ path: '/a' });
    expect(Object.isFrozen(error.details)).toBe(true);
  });
});

describe('isSmolVMError', () => {
  it('knows errors of another copy of the package', () => {
    const foreign = Object.defineProperty(new Error('x'), Symbol.for('smolvm.error'), { value: true });
    expect(isSmolVMError(foreign)).toBe(true);
    expect(isSmolVMError(Object.assign(foreign, { code: 'BUSY' }), 'BUSY')).toBe(true);
    expect(isSmolVMError(foreign, 'TIMEOUT')).toBe(false);
  });

  it('says no to everything else', () => {
    fc.assert(fc.property(fc.anything(), (value) => !isSmolVMError(value)));
    expect(isSmolVMError(new Error('BUSY'))).toBe(false);
  });
});

describe('toSmolVMError', () => {
  it.each([
    ['ENOSPC', 'NO_SPACE'],
    ['EDQUOT', 'NO_SPACE'],
    ['EACCES', 'PERMISSION_DENIED'],
    ['EPERM', 'PERMISSION_DENIED'],
    ['EROFS', 'PERMISSION_DENIED'],
    ['ENOENT', 'HOST_FAILED'],
    ['EMFILE', 'HOST_FAILED'],
  ])('turns %s into %s and keeps what was being done', (errno, code) => {
    const cause = systemError(errno);
    const error = toSmolVMError(cause, 'write /x');
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^write \/x: /);
    expect(error.details['errno']).toBe(errno);
    expect(error.cause).toBe(cause);
  });

  it('passes our own errors on as they are', () => {
    const error = new SmolVMError('BUSY', 'busy');
    expect(toSmolVMError(error, 'write /x')).toBe(error);
  });

  it('calls everything else a defect of smolvm, whatever was thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: false }), (value) => {
        fc.pre(typeof value !== 'symbol' && !hasBrokenToString(value));
        expect(toSmolVMError(value, 'do it').code).toBe('INTERNAL');
      }),
    );
  });
});

describe('errnoOf', () => {
  it('reads the errno of a system error only', () => {
    expect(errnoOf(systemError('ENOENT'))).toBe('ENOENT');
    expect(errnoOf(systemError('ERR_INVALID_ARG_TYPE'))).toBeUndefined();
    expect(errnoOf(Object.assign(new Error('x'), { code: 5 }))).toBeUndefined();
    expect(errnoOf({ code: 'ENOENT' })).toBeUndefined();
    expect(errnoOf(undefined)).toBeUndefined();
  });
});

/** `{ toString: 1 }` has no text at all, which is no concern of ours. */
function hasBrokenToString(value: unknown): boolean {
  try {
    String(value);
    return false;
  } catch {
    return true;
  }
}
