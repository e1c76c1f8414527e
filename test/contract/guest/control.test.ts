import { describe, expect, it } from 'vitest';
import { qemu } from '../../../src/hypervisor/qemu/index.ts';
import { startFakeGuest } from '../../support/fake-guest.ts';
import { withTemporaryFolder } from '../../support/temporary-folder.ts';

const folder = withTemporaryFolder();
const never = new AbortController().signal;

describe('the line to a VMM', () => {
  it('takes the console once', async () => {
    await using guest = startFakeGuest(folder(), { console: 'hello' });
    using control = await qemu.control(guest.controlSocket, never);
    expect(Buffer.from(await control.takeConsole(never)).toString()).toBe('hello');
    expect(await control.takeConsole(never)).toHaveLength(0);
  });

  it('tells that the guest has ended', async () => {
    await using guest = startFakeGuest(folder(), { endsDuringBoot: true });
    using control = await qemu.control(guest.controlSocket, never);
    expect(await control.guestEnded).toContain('shut down');
  });

  it('tells that the VMM has ended, and fails what is open', async () => {
    await using guest = startFakeGuest(folder());
    using control = await qemu.control(guest.controlSocket, never);
    process.kill(guest.pid, 'SIGKILL');
    expect(await control.guestEnded).toContain('VMM ended');
    await expect(control.takeConsole(never)).rejects.toMatchObject({ code: 'CONTROL_FAILED' });
  });

  it.each(['garbage', 'refuses'] as const)('fails when the VMM does not speak as it should: %s', async (qmp) => {
    await using guest = startFakeGuest(folder(), { qmp });
    await expect(qemu.control(guest.controlSocket, never)).rejects.toMatchObject({ code: 'CONTROL_FAILED' });
  });

  it('is held by one at a time: the next one waits', async () => {
    await using guest = startFakeGuest(folder(), { console: 'hello' });
    const first = await qemu.control(guest.controlSocket, never);
    const second = qemu.control(guest.controlSocket, never);
    await first.takeConsole(never);
    first[Symbol.dispose]();
    (await second)[Symbol.dispose]();
  });

  it('is given up when the signal aborts', async () => {
    await using guest = startFakeGuest(folder(), { qmp: 'mute' });
    const controller = new AbortController();
    const reason = new Error('enough');
    const opening = qemu.control(guest.controlSocket, controller.signal);
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(guest.pid).toBeGreaterThan(0);
  });
});
