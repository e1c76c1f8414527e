import { SmolVM } from '../index.ts';

/** Uses a VM that exists, and leaves it as it is. */
export async function withVm<T>(vmId: string, use: (vm: SmolVM) => T | Promise<T>): Promise<T> {
  const vm = await SmolVM.fromId(vmId);
  try {
    return await use(vm);
  } finally {
    await vm.close();
  }
}
