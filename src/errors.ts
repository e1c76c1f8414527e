/**
 * Every reason for which smolvm refuses or fails. Closed: a new reason is a new code here, with a line that says what
 * the caller may conclude from it.
 */
export const ERROR_CODES = {
  /** The caller's input breaks a documented rule. Nothing was done. */
  INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  /** No VM has this id. */
  VM_NOT_FOUND: 'VM_NOT_FOUND',
  /** A VM with this id exists; it was not touched. */
  VM_ALREADY_EXISTS: 'VM_ALREADY_EXISTS',
  /** The VM's state does not allow this operation. */
  WRONG_STATE: 'WRONG_STATE',
  /** Another live process is changing this VM, or holds what the operation needs. Try again later. */
  BUSY: 'BUSY',
  /** The deadline of the operation passed. */
  TIMEOUT: 'TIMEOUT',
  /** The caller's signal ended the operation. */
  ABORTED: 'ABORTED',
  /** No usable VMM on this machine, or it lacks something we need. */
  HYPERVISOR_UNAVAILABLE: 'HYPERVISOR_UNAVAILABLE',
  /** The VMM process could not be started, or ended before the guest was ready. */
  LAUNCH_FAILED: 'LAUNCH_FAILED',
  /** The VMM process ended while the VM was in use. */
  VM_EXITED: 'VM_EXITED',
  /** The VMM refused or garbled a control command. */
  CONTROL_FAILED: 'CONTROL_FAILED',
  /** The VM has no network. */
  NETWORK_UNAVAILABLE: 'NETWORK_UNAVAILABLE',
  /** The SSH server of the guest has another host key than the pinned one. Nothing was sent to it. */
  HOST_KEY_MISMATCH: 'HOST_KEY_MISMATCH',
  /** Commands cannot be run in this VM. */
  COMMAND_UNAVAILABLE: 'COMMAND_UNAVAILABLE',
  /** The command never started in the guest: no such program, folder or user. */
  COMMAND_NOT_STARTED: 'COMMAND_NOT_STARTED',
  /** The command ended with a code other than 0 and the caller asked for that to be an error. */
  COMMAND_FAILED: 'COMMAND_FAILED',
  /** A callback of the caller has forbidden the command. Nothing of it ran. */
  COMMAND_BLOCKED: 'COMMAND_BLOCKED',
  /** The VM knows no detached command of this name. */
  COMMAND_NOT_FOUND: 'COMMAND_NOT_FOUND',
  /** A file of the guest could not be used; `details.errno` says why (`ENOENT`, `EACCES`, `ENOSPC` …). */
  GUEST_FILE_FAILED: 'GUEST_FILE_FAILED',
  /** A port of this host is taken, or may not be used. */
  PORT_UNAVAILABLE: 'PORT_UNAVAILABLE',
  /** The guest broke the protocol; the session with it is over, the host is unharmed. */
  PROTOCOL_ERROR: 'PROTOCOL_ERROR',
  /** An image or asset is missing, damaged or of the wrong kind. */
  IMAGE_INVALID: 'IMAGE_INVALID',
  /** A disk or quota is full. */
  NO_SPACE: 'NO_SPACE',
  /** A file or folder may not be used, or is not private enough to be. */
  PERMISSION_DENIED: 'PERMISSION_DENIED',
  /** The state database is damaged, or was written by a newer smolvm. */
  STORE_INVALID: 'STORE_INVALID',
  /** Any other failure of the host's files or processes. */
  HOST_FAILED: 'HOST_FAILED',
  /** A defect in smolvm itself. */
  INTERNAL: 'INTERNAL',
} as const;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** What an error carries besides its sentence. */
export interface FailureOptions {
  /** What to do next, one sentence. */
  readonly hint?: string | undefined;
  /** Facts for programs: paths, sizes, pids. JSON values only. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** The failure behind this one. */
  readonly cause?: unknown;
}

const BRAND = Symbol.for('smolvm.error');

/**
 * The one error class. `message` says what failed and why, `hint` what to do next, `code` is for programs.
 *
 * @example
 * ```ts
 * try {
 *   await SmolVM.fromId('gone');
 * } catch (error) {
 *   if (isSmolVMError(error, 'VM_NOT_FOUND')) console.log(error.hint);
 * }
 * ```
 */
export class SmolVMError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.details = Object.freeze({ ...options.details });
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Bad input: `problems` lists every one of them. Code `INVALID_ARGUMENT`. */
export class ValidationError extends SmolVMError {
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[], options: FailureOptions = {}) {
    super('INVALID_ARGUMENT', `${what}: ${problems.join('; ')}`, {
      ...options,
      details: { ...options.details, problems },
    });
    this.problems = Object.freeze([...problems]);
  }
}

/** No VM has this id. Code `VM_NOT_FOUND`. */
export class VMNotFoundError extends SmolVMError {
  readonly vmId: string;

  constructor(vmId: string) {
    super('VM_NOT_FOUND', `there is no VM '${vmId}'`, { hint: 'See `smolvm list`.', details: { vmId } });
    this.vmId = vmId;
  }
}

/** The id is taken; that VM was not touched. Code `VM_ALREADY_EXISTS`. */
export class VMAlreadyExistsError extends SmolVMError {
  readonly vmId: string;

  constructor(vmId: string) {
    super('VM_ALREADY_EXISTS', `a VM '${vmId}' exists already`, {
      hint: `Choose another id, or delete it: smolvm delete ${vmId}`,
      details: { vmId },
    });
    this.vmId = vmId;
  }
}

/** An image or asset is missing, damaged or of the wrong kind. Code `IMAGE_INVALID`. */
export class ImageError extends SmolVMError {
  constructor(message: string, options: FailureOptions = {}) {
    super('IMAGE_INVALID', message, options);
  }
}

/** The deadline passed. `operation` and `timeoutMs` say which. Code `TIMEOUT`. */
export class OperationTimeoutError extends SmolVMError {
  readonly operation: string;
  readonly timeoutMs: number;

  /** @param note - what is known about the reason, added to the sentence */
  constructor(operation: string, timeoutMs: number, note = '', options: FailureOptions = {}) {
    super('TIMEOUT', `${operation} did not finish within ${String(timeoutMs)} ms${note}`, {
      ...options,
      details: { ...options.details, operation, timeoutMs },
    });
    this.operation = operation;
    this.timeoutMs = timeoutMs;
  }
}

/** Commands cannot be run in this VM now. Code `COMMAND_UNAVAILABLE`. */
export class CommandExecutionUnavailableError extends SmolVMError {
  constructor(message: string, options: FailureOptions = {}) {
    super('COMMAND_UNAVAILABLE', message, options);
  }
}

/** A callback has forbidden the command by throwing `cause`; nothing of it ran. Code `COMMAND_BLOCKED`. */
export class CommandBlockedError extends SmolVMError {
  readonly vmId: string;
  readonly command: string | readonly string[];

  constructor(vmId: string, command: string | readonly string[], cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super('COMMAND_BLOCKED', `a callback has forbidden the command in VM '${vmId}': ${why}`, {
      hint: 'See the callbacks that were added with vm.addCallback.',
      details: { vmId },
      cause,
    });
    this.vmId = vmId;
    this.command = command;
  }
}

/**
 * Is `value` an error of smolvm (and, where given, of this code)? Works across two copies of the package in one program.
 */
export function isSmolVMError(value: unknown, code?: ErrorCode): value is SmolVMError {
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false;
  return code === undefined || ('code' in value && value.code === code);
}

const SPACE_ERRNOS = new Set(['ENOSPC', 'EDQUOT']);
const PERMISSION_ERRNOS = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * Any thrown value as a {@link SmolVMError}. The one place that knows Node's errno names.
 *
 * @param doing - what was being done, for the sentence: "write /x/y"
 */
export function toSmolVMError(value: unknown, doing: string): SmolVMError {
  if (isSmolVMError(value)) return value;
  const reason = value instanceof Error ? value.message : String(value);
  const errno = errnoOf(value);
  if (errno === undefined) return new SmolVMError('INTERNAL', `${doing}: ${reason}`, { cause: value });
  const options = { cause: value, details: { errno } };
  if (SPACE_ERRNOS.has(errno)) {
    return new SmolVMError('NO_SPACE', `${doing}: no space left (${reason})`, {
      ...options,
      hint: 'Free some disk space, or move the state with SMOLVM_HOME.',
    });
  }
  if (PERMISSION_ERRNOS.has(errno)) {
    return new SmolVMError('PERMISSION_DENIED', `${doing}: ${reason}`, {
      ...options,
      hint: 'Check who owns the path and whether its file system is writable.',
    });
  }
  return new SmolVMError('HOST_FAILED', `${doing}: ${reason}`, options);
}

/** The errno name (`ENOENT`) of a Node system error, or undefined. */
export function errnoOf(value: unknown): string | undefined {
  if (!(value instanceof Error) || !('code' in value) || typeof value.code !== 'string') return undefined;
  return /^E[A-Z0-9]+$/.test(value.code) ? value.code : undefined;
}
