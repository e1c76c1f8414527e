import type { Counts, ReportKind } from './step.ts';

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };
export const oneFailed: Counts = { ...noCounts, failed: 1 };
export const oneSkipped: Counts = { ...noCounts, skipped: 1 };

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** Reads what a command reported. A failed command counts as one failure at least, and so does one that ran no test. */
export function readCounts(kind: ReportKind, report: string, exitCode: number): Counts {
  const counts = readers[kind](report, exitCode);
  const isQuietFailure = counts.failed === 0 && (exitCode !== 0 || counts.passed === 0);
  return isQuietFailure ? { ...counts, failed: 1 } : counts;
}

const readers: Record<ReportKind, (report: string, exitCode: number) => Counts> = {
  'exit-code': (_report, exitCode) => (exitCode === 0 ? { ...noCounts, passed: 1 } : oneFailed),
  vitest: readVitest,
  go: readGo,
};

function readVitest(report: string): Counts {
  // No report: vitest ended before it could write one, and its exit code tells.
  if (report === '') return noCounts;
  const fields = parseObject(report);
  return {
    passed: numberIn(fields, 'numPassedTests'),
    failed: numberIn(fields, 'numFailedTests'),
    skipped: numberIn(fields, 'numPendingTests') + numberIn(fields, 'numTodoTests'),
  };
}

function readGo(report: string): Counts {
  const ofTests = goEvents(report).filter((event) => event['Test'] !== undefined);
  const count = (action: string): number => ofTests.filter((event) => event['Action'] === action).length;
  return { passed: count('pass'), failed: count('fail'), skipped: count('skip') };
}

/** The lines of `go test -json` are for programs; this is the text for people. */
export function goText(report: string): string {
  return goEvents(report)
    .map((event) => event['Output'])
    .filter((output) => typeof output === 'string')
    .join('');
}

function goEvents(report: string): readonly Fields[] {
  return report
    .split('\n')
    .filter((line) => line !== '')
    .map(parseGoLine);
}

/** Go prints some errors as plain text between the events. */
function parseGoLine(line: string): Fields {
  return line.startsWith('{') ? parseObject(line) : { Action: 'output', Output: `${line}\n` };
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(text: string): Fields {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error(`Not a JSON object: ${text}`);
  return { ...value };
}

function numberIn(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new Error(`The report has no number ${name}.`);
  return value;
}
