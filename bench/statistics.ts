/** Milliseconds of several runs. */
export interface Sample {
  readonly minimum: number;
  readonly median: number;
  readonly p90: number;
  readonly count: number;
}

export function summarize(values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { minimum: at(0), median: at(0.5), p90: at(0.9), count: sorted.length };
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
