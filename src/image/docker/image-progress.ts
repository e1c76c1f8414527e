/** What a build of an image is doing. */
export type ImageProgress =
  /** Another process builds the same image; this one takes what comes of it. */
  | { readonly step: 'wait' }
  /** A layer comes from a registry; one that was there comes at once. `layer` is its digest. */
  | {
      readonly step: 'download';
      readonly layer: string;
      readonly doneBytes: number;
      readonly totalBytes: number;
    }
  /** What was stored of the image is damaged, as `problem` says, and it is made again. */
  | { readonly step: 'damaged'; readonly problem: string }
  /** A saved image is written or read: so many bytes of its file so far. */
  | { readonly step: 'save' | 'load'; readonly doneBytes: number; readonly totalBytes: number }
  /** The engine builds; `output` is a piece of what it prints. It is text of others: escape it before showing. */
  | { readonly step: 'build'; readonly output: string }
  /** The files of the image are read, then written as a file system; `bytes` is how many so far. */
  | { readonly step: 'unpack' | 'format'; readonly bytes: number };

/** Is told what a build is doing. What it throws is nobody's failure and is lost. */
export type OnImageProgress = (progress: ImageProgress) => void;

/** Calls a watcher of whom the build must not depend. */
export function watched(onProgress: OnImageProgress | undefined): OnImageProgress {
  return (progress) => {
    try {
      onProgress?.(progress);
    } catch {
      // The watcher's own affair, as its type says.
    }
  };
}
