/**
 * One of each step in a round, in turns; odd rounds go backwards, so that a drift of the machine hits all alike. The values
 * of round 0, which warms up, are thrown away.
 */
export async function runRounds(
  rounds: number,
  steps: readonly (() => Promise<void>)[],
  values: Readonly<Record<string, number[]>>,
): Promise<void> {
  for (let round = 0; round <= rounds; round += 1) {
    for (const step of round % 2 === 0 ? steps : steps.toReversed()) await step();
    process.stderr.write(`round ${String(round)} of ${String(rounds)}\n`);
    if (round === 0) for (const list of Object.values(values)) list.length = 0;
  }
}
