import type { ByteLine } from '../../base/child-stream.ts';
import { Deferred } from '../../base/deferred.ts';
import { orAborted } from '../../base/poll.ts';
import type { SmolVMError } from '../../errors.ts';
import type {
  DetachedCommand,
  ExecRequest,
  GuestChannel,
  GuestCommand,
  GuestInfo,
  OnOutput,
} from '../guest-channel.ts';
import type { TransferArea } from '../transfer-area.ts';
import { AgentCommand, type Opening } from './agent-command.ts';
import { AgentSession } from './agent-session.ts';
import { greetAgent, openAgentSocket, type OpenedSession } from './agent-socket.ts';
import { breach, FRAME } from './frames.ts';
import { decodeListed, encodeAttach, encodeExec } from './messages.ts';
import { PayloadWriter } from './payload.ts';
import { notAttached, notStarted, requestFailed } from './refusals.ts';

/**
 * Opens a session with the agent behind a port's socket; resolves when the guest is ready for commands. The port's
 * transfer area is used if there is one and the agent knows of such.
 */
export async function openAgentChannel(
  socketPath: string,
  signal: AbortSignal,
  area?: TransferArea,
): Promise<GuestChannel> {
  return new AgentChannel(await openAgentSocket(socketPath, signal), area);
}

/** The same on a line to an agent that runs already; the line is destroyed if it fails. */
export async function openChannelOn(line: ByteLine, signal: AbortSignal): Promise<GuestChannel> {
  return new AgentChannel(await greetAgent(line, signal), undefined);
}

/** A request of one frame, and what its two answers are. */
interface Request {
  readonly type: number;
  readonly payload?: Buffer;
  readonly answer?: number;
  readonly describeFailure?: (payload: Buffer) => SmolVMError;
}

class AgentChannel implements GuestChannel {
  readonly info: GuestInfo;
  readonly area: TransferArea | undefined;
  readonly closed: Promise<Error>;
  readonly #session: AgentSession;

  constructor(opened: OpenedSession, area: TransferArea | undefined) {
    this.info = opened.info;
    this.area = opened.info.capabilities.has('area') ? area : undefined;
    this.#session = new AgentSession(opened);
    this.closed = this.#session.closed;
  }

  exec(request: ExecRequest): GuestCommand {
    const { onOutput, onOutputEnd } = request;
    const payload = encodeExec(request);
    return this.#command({ type: FRAME.EXEC, payload, onOutput, onOutputEnd, describeFailure: notStarted });
  }

  attach(execId: string, cursor: number, onOutput: OnOutput): GuestCommand {
    const payload = encodeAttach(execId, cursor);
    return this.#command({ type: FRAME.ATTACH, payload, onOutput, describeFailure: notAttached });
  }

  async listDetached(signal: AbortSignal): Promise<readonly DetachedCommand[]> {
    return decodeListed(await this.#request({ type: FRAME.LIST, answer: FRAME.LISTED }, signal));
  }

  async forgetDetached(execId: string, signal: AbortSignal): Promise<void> {
    const payload = new PayloadWriter().text(execId).bytes();
    await this.#request({ type: FRAME.FORGET, payload, describeFailure: notAttached }, signal);
  }

  async ping(signal: AbortSignal): Promise<void> {
    await this.#request({ type: FRAME.PING, answer: FRAME.PONG }, signal);
  }

  async sync(signal: AbortSignal): Promise<void> {
    await this.#request({ type: FRAME.SYNC }, signal);
  }

  async setTime(signal: AbortSignal): Promise<void> {
    const nowNs = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n;
    await this.#request({ type: FRAME.TIME, payload: new PayloadWriter().u64(nowNs).bytes() }, signal);
  }

  async addEntropy(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#request({ type: FRAME.ENTROPY, payload: Buffer.from(bytes) }, signal);
  }

  async shutdown(graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#request({ type: FRAME.SHUTDOWN, payload: new PayloadWriter().u32(graceMs).bytes() }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close();
  }

  #command(opening: Opening): GuestCommand {
    return this.#session.open((send) => new AgentCommand(opening, this.info.stdinWindowBytes, send)).stream;
  }

  /** Sends a request on a stream of its own and waits for its answer. */
  async #request(request: Request, signal: AbortSignal): Promise<Buffer> {
    const { type, payload = Buffer.alloc(0), answer = FRAME.OK, describeFailure = requestFailed } = request;
    const answered = new Deferred<Buffer>();
    const { forget } = this.#session.open((send) => {
      send(type, 0, payload);
      return {
        receive: (frame) => {
          if (frame.type === FRAME.FAILED) answered.reject(describeFailure(frame.payload));
          else if (frame.type === answer) answered.resolve(frame.payload);
          else throw breach(`frame type ${String(frame.type)} as the answer to a request`);
          return true;
        },
        fail: answered.reject,
      };
    });
    try {
      return await orAborted(answered.promise, signal);
    } finally {
      forget();
    }
  }
}
