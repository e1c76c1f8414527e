import { withHost } from './shared-host.ts';
import { attempt, examine, ok, type DoctorCheck } from './vm/doctor.ts';

/**
 * Looks at all that smolvm needs on this host, by using it. Works also where the state folder cannot be opened: then
 * that is the finding.
 *
 * @example
 * ```ts
 * const checks = await doctor();
 * console.log(checks.every(({ result }) => result !== 'failed'));
 * ```
 */
export async function doctor(
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly DoctorCheck[]> {
  const signal = options.signal ?? new AbortController().signal;
  let checks: readonly DoctorCheck[] = [];
  const state = await attempt('state', () =>
    withHost(async (services) => {
      checks = await examine(services, signal);
      return ok(`the state folder ${services.paths.home} is private and its database is sound`);
    }),
  );
  return [{ name: 'state', ...state }, ...checks];
}
