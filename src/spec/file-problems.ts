import { regularFileProblem } from '../base/regular-file.ts';

/** Looks at the files that fields name, also where other fields are wrong, so that all is told at once. */
export function fileProblems(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
): readonly string[] {
  return names.flatMap((name) => {
    const path = fields[name];
    if (typeof path !== 'string' || path === '' || path.includes('\0')) return [];
    const problem = regularFileProblem(path);
    return problem === undefined ? [] : [`${name}: ${problem}`];
  });
}
