import type { Hypervisor } from './hypervisor.ts';
import { qemu } from './qemu/index.ts';

/** All backends, in the order in which `auto` tries them. */
export const hypervisors: readonly Hypervisor[] = [qemu];
