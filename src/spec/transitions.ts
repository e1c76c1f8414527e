import type { VmState } from './vm-record.ts';

/** The one table of legal moves. A record is removed from `creating` and `deleting`. */
const MOVES: Readonly<Record<VmState, readonly VmState[]>> = {
  creating: ['created', 'deleting'],
  created: ['starting', 'deleting'],
  starting: ['running', 'failed', 'stopped'],
  running: ['paused', 'stopping', 'stopped', 'deleting'],
  paused: ['running', 'stopping', 'stopped', 'deleting'],
  stopping: ['stopped'],
  stopped: ['starting', 'deleting'],
  failed: ['starting', 'deleting'],
  deleting: ['deleting'],
};

/** May a VM go from one state to the other? */
export function mayMove(from: VmState, to: VmState): boolean {
  return MOVES[from].includes(to);
}
