import { isSmolVMError } from '../index.ts';
import { UsageError } from './usage-error.ts';

/** A failure as plain data: `error` of the JSON envelope. */
export interface Failure {
  /** One of ERROR_CODES. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What could not be dealt with, and why. */
type OneError = { readonly error: unknown } & ({ readonly vmId: string } | { readonly image: string });

/** Some of several VMs or images could not be dealt with. */
export class SeveralErrors extends Error {
  readonly errors: readonly OneError[];
  readonly done: readonly string[];

  constructor(message: string, errors: SeveralErrors['errors'], done: readonly string[]) {
    super(message);
    this.name = 'SeveralErrors';
    this.errors = errors;
    this.done = done;
  }
}

/** Any thrown value → data. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) {
    return { code: 'INVALID_ARGUMENT', message: error.message, hint: error.hint, details: {} };
  }
  if (isSmolVMError(error)) {
    return { code: error.code, message: error.message, hint: error.hint ?? null, details: error.details };
  }
  if (error instanceof SeveralErrors) {
    const failures = error.errors.map(({ error: one, ...what }) => ({ ...what, ...failureOf(one) }));
    const code = failures[0]?.code ?? 'INTERNAL';
    return { code, message: error.message, hint: null, details: { done: error.done, failures } };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (isSystemError(error)) return { code: 'HOST_FAILED', message, hint: null, details: {} };
  return {
    code: 'INTERNAL',
    message,
    hint: 'This is a defect in smolvm; SMOLVM_DEBUG=1 shows where.',
    details: {},
  };
}

/** An error of Node's own streams, or one of ours about such an error. */
function isSystemError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('errno' in error && typeof error.errno === 'number') || isSystemError(error.cause);
}
