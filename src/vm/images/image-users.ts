import { isSameFile } from '../../disk/image-identity.ts';
import { SmolVMError } from '../../errors.ts';
import { listRetained } from '../retained-disk.ts';
import type { Services } from '../services.ts';

/** Which VMs and retained disks need a file, by their ids. */
export type UsersOf = (path: string) => readonly string[];

/** Looks once at all VMs and retained disks. A VM whose record is damaged cannot start any more, so it needs nothing. */
export function imageUsers(services: Services): UsersOf {
  const uses = [
    ...services.store.list().records.flatMap(({ vm }) => {
      const paths = [vm.rootfsPath, vm.kernelPath, vm.initrdPath];
      return paths.flatMap((path) => (path === null ? [] : [{ vmId: vm.vmId, path }]));
    }),
    ...listRetained(services).flatMap(({ vmId, rootfsPath }) =>
      rootfsPath === null ? [] : [{ vmId, path: rootfsPath }],
    ),
  ];
  return (path) => [
    ...new Set(uses.filter((use) => use.path === path || isSameFile(use.path, path)).map(({ vmId }) => vmId)),
  ];
}

/**
 * Changes a file below which nobody's disk may lie. The look and the change are one transaction of the store in which VMs
 * are recorded, so no VM comes in between.
 *
 * @throws SmolVMError `BUSY` that names the VMs
 */
export function changeUnused(services: Services, path: string, what: string, change: () => void): void {
  services.store.exclusively(() => {
    const users = imageUsers(services)(path);
    if (users.length > 0) throw inUse(what, users);
    change();
  });
}

const MAX_NAMED = 5;

function inUse(what: string, users: readonly string[]): SmolVMError {
  const more = users.length - MAX_NAMED;
  const named = users.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
  return new SmolVMError('BUSY', `${what} is in use by ${users.length === 1 ? 'VM' : 'VMs'} ${named}`, {
    hint: `Delete what uses it first: smolvm delete ${users.slice(0, MAX_NAMED).join(' ')}`,
    details: { usedBy: users },
  });
}
