import { open } from 'node:fs/promises';
import { AREA_DISK_BYTES } from '../spec/transfer-area.ts';

/** The file of a disk for large transfers: it has holes only, so it costs nothing until it is used. */
export async function makeTransferArea(path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.truncate(AREA_DISK_BYTES);
  } finally {
    await file.close();
  }
}
