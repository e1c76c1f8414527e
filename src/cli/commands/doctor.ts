import { doctor, type DoctorCheck } from '../../index.ts';
import type { CliContext, Outcome } from '../context.ts';
import type { Style } from '../style.ts';
import { renderTable } from '../table.ts';

/** `smolvm doctor`. */
export async function checkHost({ signal, style, say }: CliContext): Promise<Outcome> {
  say('checking by use, which may boot a guest…');
  const checks = await doctor({ signal });
  const healthy = checks.every(({ result }) => result !== 'failed');
  return { data: { healthy, checks }, text: renderChecks(checks, style), exitCode: healthy ? 0 : 1 };
}

/** Checks → table; what to do about a finding stands under it. */
export function renderChecks(checks: readonly DoctorCheck[], style: Style): string {
  const paints = { ok: style.green, warning: style.yellow, failed: style.red };
  return renderTable(
    checks.flatMap(({ name, result, found, fix }) => [
      [{ text: result, paint: paints[result] }, name, found],
      ...(fix === null ? [] : [['', '', `fix: ${fix}`]]),
    ]),
  );
}
