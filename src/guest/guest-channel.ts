/** What the agent says of itself and its guest when a session begins. Guest strings: escape before showing. */
export interface GuestInfo {
  readonly agentVersion: string;
  /** The guest kernel's boot id: another one means another boot. */
  readonly bootId: string;
  /** Why the root disk is not mounted; empty if it is. */
  readonly rootError: string;
  readonly stdinWindowBytes: number;
  readonly maxCommands: number;
  readonly capabilities: ReadonlySet<string>;
}

/** A command to run in the guest, complete. */
export interface ExecRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folder to start in; empty: `/`. */
  readonly cwd: string;
  /** `name`, `uid`, `name:group` or `uid:gid`; empty: root. */
  readonly user: string;
  /** Will input be sent? Otherwise stdin is `/dev/null`. */
  readonly stdin: boolean;
  /** Takes output as it comes. The guest's command waits while a returned promise is pending. */
  readonly onOutput: (name: 'stdout' | 'stderr', chunk: Buffer) => void | Promise<void>;
}

/** How a command ended, and what it used. */
export type GuestExit = ({ readonly kind: 'exited'; readonly exitCode: number } | { readonly kind: 'signaled'; readonly signal: string }) & {
  readonly cpuMs: number;
  readonly peakRssKib: number;
  /** A background process still holds an output of the command; what it writes later is not seen. */
  readonly outputHeldOpen: boolean;
};

/** Why a command never started. */
export interface NotStarted {
  readonly errno: number;
  readonly reason: string;
  readonly message: string;
}

/** A command in the guest. */
export interface GuestCommand {
  /** Resolves after all output was taken. Rejects if it never started, or if the session was lost. */
  readonly exit: Promise<GuestExit>;
  /** Sends input; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the input. */
  end(): void;
  /** Signals the command's whole process group. */
  kill(signalNumber: number): void;
}

/** A line to the agent of one guest: any number of commands at once. */
export interface GuestChannel extends AsyncDisposable {
  readonly info: GuestInfo;
  /** Resolves with the reason once the session has ended. */
  readonly closed: Promise<Error>;
  exec(request: ExecRequest): GuestCommand;
  ping(signal: AbortSignal): Promise<void>;
  /** Flushes the guest's file systems. */
  sync(signal: AbortSignal): Promise<void>;
  /** Sets the guest's clock to this host's. */
  setTime(signal: AbortSignal): Promise<void>;
  /** Adds to the kernel's entropy and reseeds its generator. */
  addEntropy(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Asks the guest to end all processes, sync and power off. Resolves when it has agreed. */
  shutdown(graceMs: number, signal: AbortSignal): Promise<void>;
}
