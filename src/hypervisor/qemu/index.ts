import type { Hypervisor } from '../hypervisor.ts';
import { PORT_TAKEN_SIGN, qemuArgv } from './qemu-args.ts';
import { openQemuControl } from './qemu-control.ts';
import { probeQemu } from './qemu-probe.ts';

/** QEMU's `microvm` machine: no PCI, no firmware menus, virtio over MMIO. x86-64. */
export const qemu: Hypervisor = {
  name: 'qemu',
  probe: probeQemu,
  portTakenSign: PORT_TAKEN_SIGN,
  plan: (boot) => ({ argv: qemuArgv(boot), sockets: [boot.controlSocket, ...boot.agentSockets] }),
  control: openQemuControl,
};
