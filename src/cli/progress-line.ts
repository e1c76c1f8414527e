import type { ImageProgress } from '../index.ts';
import { safeLine } from './safe-text.ts';

/** What has been told of the making of an image so far. */
export interface ProgressState {
  readonly step: ImageProgress['step'] | null;
  /** By layer. */
  readonly downloads: ReadonlyMap<string, { readonly doneBytes: number; readonly totalBytes: number }>;
  readonly doneBytes: number;
  /** 0: not known. */
  readonly totalBytes: number;
  /** The last line that an engine has printed, not yet safe to show. */
  readonly output: string;
}

export const NO_PROGRESS: ProgressState = {
  step: null,
  downloads: new Map(),
  doneBytes: 0,
  totalBytes: 0,
  output: '',
};

/** One more thing was told. Pure. */
export function progressed(state: ProgressState, news: ImageProgress): ProgressState {
  switch (news.step) {
    case 'download': {
      const { layer, doneBytes, totalBytes } = news;
      const downloads = new Map([...state.downloads, [layer, { doneBytes, totalBytes }]]);
      const sum = (name: 'doneBytes' | 'totalBytes'): number =>
        [...downloads.values()].reduce((total, one) => total + one[name], 0);
      return {
        ...state,
        step: news.step,
        downloads,
        doneBytes: sum('doneBytes'),
        totalBytes: sum('totalBytes'),
      };
    }
    case 'build': {
      const lines = (state.output + news.output).split(/\r?\n|\r/);
      const last = lines.at(-1) === '' ? lines.at(-2) : lines.at(-1);
      return { ...state, step: news.step, output: (last ?? '').slice(-MAX_OUTPUT_CHARS) };
    }
    case 'unpack':
    case 'format':
      return { ...state, step: news.step, doneBytes: news.bytes, totalBytes: 0 };
    case 'save':
    case 'load':
      return { ...state, step: news.step, doneBytes: news.doneBytes, totalBytes: news.totalBytes };
    case 'wait':
    case 'damaged':
      return { ...state, step: news.step, doneBytes: 0, totalBytes: 0 };
  }
}

const MAX_OUTPUT_CHARS = 1_000;
const BAR_CHARS = 20;

const VERBS: Readonly<Record<ImageProgress['step'], string>> = {
  wait: 'waiting for another process that makes this image',
  download: 'downloading',
  damaged: 'making the image again',
  build: 'building',
  unpack: 'unpacking',
  format: 'writing the file system',
  save: 'saving',
  load: 'loading',
};

/** The state as one line of a terminal. Pure. */
export function progressLine(
  { step, doneBytes, totalBytes, output }: ProgressState,
  columns: number,
): string {
  if (step === null) return '';
  const verb = VERBS[step];
  const text = step === 'build' ? `${verb}: ${safeLine(output)}` : `${verb}${amount(doneBytes, totalBytes)}`;
  return text.slice(0, Math.max(1, columns - 1));
}

/** What is said of a step where nobody watches. Pure. */
export function stepLine(news: ImageProgress): string {
  if (news.step === 'damaged')
    return `what is stored is damaged (${safeLine(news.problem)}): making the image again`;
  return VERBS[news.step];
}

function amount(doneBytes: number, totalBytes: number): string {
  if (totalBytes === 0) return doneBytes === 0 ? '' : ` ${mebibytes(doneBytes)} MiB`;
  const filled = Math.floor((BAR_CHARS * Math.min(doneBytes, totalBytes)) / totalBytes);
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_CHARS - filled);
  return ` [${bar}] ${mebibytes(doneBytes)} of ${mebibytes(totalBytes)} MiB`;
}

/** Bytes as MiB with one digit after the point. */
export function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
