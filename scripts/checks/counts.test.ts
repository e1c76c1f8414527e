import { describe, expect, it } from 'vitest';
import { addCounts, goText, noCounts, oneFailed, readCounts } from './counts.ts';

const vitestReport = JSON.stringify({
  numTotalTests: 9,
  numPassedTests: 5,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [],
});

const goReport = [
  '{"Action":"start","Package":"agent"}',
  '# a line that is not JSON',
  '{"Action":"run","Package":"agent","Test":"TestFrame"}',
  '{"Action":"output","Package":"agent","Test":"TestFrame","Output":"--- PASS: TestFrame\\n"}',
  '{"Action":"pass","Package":"agent","Test":"TestFrame","Elapsed":0.1}',
  '{"Action":"fail","Package":"agent","Test":"TestExec","Elapsed":0.1}',
  '{"Action":"skip","Package":"agent","Test":"TestRoot","Elapsed":0}',
  '{"Action":"fail","Package":"agent","Elapsed":0.2}',
  '',
].join('\n');

describe('readCounts', () => {
  it('counts a plain command by its exit code', () => {
    expect(readCounts('exit-code', 'any text', 0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
    expect(readCounts('exit-code', 'any text', 2)).toEqual(oneFailed);
  });

  it('reads the JSON of vitest; pending and todo are skipped', () => {
    expect(readCounts('vitest', vitestReport, 1)).toEqual({ passed: 5, failed: 1, skipped: 3 });
  });

  it('reads the events of go test; a package is not a test', () => {
    expect(readCounts('go', goReport, 1)).toEqual({ passed: 1, failed: 1, skipped: 1 });
  });

  it('counts one failure when a command failed without a failed test', () => {
    expect(readCounts('vitest', '', 1)).toEqual(oneFailed);
    expect(readCounts('go', '{"Action":"build-fail","ImportPath":"agent"}\n', 1)).toEqual(oneFailed);
    expect(readCounts('go', '{"Action":"pass","Test":"TestFrame"}\n', 1)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    });
  });

  it('counts one failure when no test ran', () => {
    expect(readCounts('go', '', 0)).toEqual(oneFailed);
    const allSkipped = JSON.stringify({
      numPassedTests: 0,
      numFailedTests: 0,
      numPendingTests: 4,
      numTodoTests: 0,
    });
    expect(readCounts('vitest', allSkipped, 0)).toEqual({ passed: 0, failed: 1, skipped: 4 });
  });

  it('refuses a report of another shape', () => {
    expect(() => readCounts('vitest', '{}', 0)).toThrow('numPassedTests');
  });
});

describe('addCounts', () => {
  it('adds each number', () => {
    expect(addCounts({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })).toEqual({
      passed: 11,
      failed: 22,
      skipped: 33,
    });
    expect(addCounts(noCounts, oneFailed)).toEqual(oneFailed);
  });
});

describe('goText', () => {
  it('keeps what a person would have seen', () => {
    expect(goText(goReport)).toBe('# a line that is not JSON\n--- PASS: TestFrame\n');
  });
});
