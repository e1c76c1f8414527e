import type { ImageProgress } from '../index.ts';
import type { CliContext } from './context.ts';
import { NO_PROGRESS, progressed, progressLine, stepLine, type ProgressState } from './progress-line.ts';
import { safeLine } from './safe-text.ts';

/** A person sees no more than this. */
const PAUSE_MS = 100;
const CLEAR_LINE = '\r\u001b[2K';

/** Shows on stderr how an image is coming along: one line that changes on a terminal, else a line for each step. */
export class ProgressView implements Disposable {
  readonly #context: CliContext;
  #state: ProgressState = NO_PROGRESS;
  #shownAt = -Infinity;
  #hasLine = false;
  #unfinished = '';

  constructor(context: CliContext) {
    this.#context = context;
  }

  /** To be handed on as `onProgress`. */
  readonly onProgress = (news: ImageProgress): void => {
    if (this.#context.json) return;
    const before = this.#state.step;
    this.#state = progressed(this.#state, news);
    if (this.#context.stderr.isTerminal) this.#redraw(before !== news.step);
    else this.#tell(news, before);
    if (news.step === 'damaged' && this.#context.stderr.isTerminal) this.#keep(stepLine(news));
  };

  /** Takes the line away: what comes next begins at the left. */
  [Symbol.dispose](): void {
    if (this.#hasLine) void this.#context.stderr.write(CLEAR_LINE);
    this.#hasLine = false;
    if (this.#unfinished !== '') void this.#context.stderr.write(`${safeLine(this.#unfinished)}\n`);
    this.#unfinished = '';
  }

  #redraw(isNewStep: boolean): void {
    const now = performance.now();
    if (!isNewStep && now - this.#shownAt < PAUSE_MS) return;
    this.#shownAt = now;
    const { stderr, terminal } = this.#context;
    void stderr.write(CLEAR_LINE + progressLine(this.#state, terminal.size.columns));
    this.#hasLine = true;
  }

  #keep(line: string): void {
    void this.#context.stderr.write(`${CLEAR_LINE}${line}\n`);
  }

  #tell(news: ImageProgress, before: ProgressState['step']): void {
    if (before !== news.step) void this.#context.stderr.write(`${stepLine(news)}\n`);
    if (news.step !== 'build') return;
    const lines = (this.#unfinished + news.output).split(/\r?\n/);
    this.#unfinished = lines.pop() ?? '';
    for (const line of lines) void this.#context.stderr.write(`${safeLine(line)}\n`);
  }
}
