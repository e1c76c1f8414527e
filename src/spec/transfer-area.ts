import { AGENT_PORT_COUNT } from './file-names.ts';

/** The serial number by which the guest finds the disk that large transfers go through. */
export const AREA_SERIAL = 'smolvm-transfer';

/** A session moves data in pieces of this size, and so many are on their way at once. */
export const AREA_PIECE_BYTES = 512 * 1024;
export const AREA_PIECE_COUNT = 4;

/** What belongs to one port of the control channel: nobody else's data is in it. */
const AREA_PORT_BYTES = AREA_PIECE_BYTES * AREA_PIECE_COUNT;

/** The size of the disk. */
export const AREA_DISK_BYTES = AREA_PORT_BYTES * AGENT_PORT_COUNT;

/** Where the area of a port begins. */
export function areaOffset(port: number): number {
  return port * AREA_PORT_BYTES;
}
