import type { TransferArea } from './transfer-area.ts';

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
  /** Gives the command a terminal of this size as stdin, stdout and stderr; all output is then stdout. */
  readonly terminal?: TerminalSize | undefined;
  /** Lets the command outlive this session; others may attach to it by this name. */
  readonly detachedId?: string | undefined;
  /** `argv` names a tool of the agent itself (docs/agent-tools.md), not a program of the image. */
  readonly tool?: boolean | undefined;
  readonly onOutput: OnOutput;
  /** Told, after its last byte was taken, that the command has closed an output and runs on. */
  readonly onOutputEnd?: ((name: 'stdout' | 'stderr') => void) | undefined;
}

/** Takes output as it comes. The guest's command waits while a returned promise is pending. */
export type OnOutput = (name: 'stdout' | 'stderr', chunk: Buffer) => void | Promise<void>;

/** Rows and columns of characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A command that runs, or has run: where its output begins for us. */
export interface StartedCommand {
  /** Its process id in the guest; 0 when it has ended already. */
  readonly pid: number;
  /** How many bytes of its output came before what we get. */
  readonly cursor: number;
}

/** A command that outlives its session. Guest strings: escape before showing. */
export interface DetachedCommand {
  readonly execId: string;
  /** 0 when it has ended. */
  readonly pid: number;
  readonly running: boolean;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly startedAtMs: number;
  /** Where the output begins that the guest still has. */
  readonly oldestCursor: number;
  readonly endCursor: number;
  readonly program: string;
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
  /** Resolves when it runs (or, attached, is known to). Rejects as `exit` does. */
  readonly started: Promise<StartedCommand>;
  /** Sends input; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the input. */
  end(): void;
  /** Signals the command's whole process group. */
  kill(signalNumber: number): void;
  /** Tells the size of its terminal. Without a terminal nothing happens. */
  resize(size: TerminalSize): void;
  /** Leaves a detached command running; `exit` then rejects with `ABORTED`. */
  detach(): void;
}

/** A line to the agent of one guest: any number of commands at once. */
export interface GuestChannel extends AsyncDisposable {
  readonly info: GuestInfo;
  /** Through which large data of tools may go, if this channel has such a way. */
  readonly area?: TransferArea | undefined;
  /** Resolves with the reason once the session has ended. */
  readonly closed: Promise<Error>;
  exec(request: ExecRequest): GuestCommand;
  /** Takes the output of a detached command from a cursor on, instead of whoever has it now. */
  attach(execId: string, cursor: number, onOutput: OnOutput): GuestCommand;
  /** The detached commands of this guest, oldest first. */
  listDetached(signal: AbortSignal): Promise<readonly DetachedCommand[]>;
  /** Lets the guest forget a detached command that has ended. */
  forgetDetached(execId: string, signal: AbortSignal): Promise<void>;
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
