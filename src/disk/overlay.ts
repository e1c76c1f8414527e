import { writeAll, writeFileAtomic } from '../base/write-atomic.ts';
import { qcow2Overlay } from './qcow2-header.ts';

/** An overlay to make: it takes all writes, the image below it is never changed. */
export interface OverlayRequest {
  readonly path: string;
  readonly backingPath: string;
  readonly sizeBytes: number;
  /** Must it survive a power cut of the host? */
  readonly durable: boolean;
}

/** Makes an empty qcow2 overlay of mode 0600. Takes no space to speak of, whatever the size of the image. */
export async function createOverlay({
  path,
  backingPath,
  sizeBytes,
  durable,
}: OverlayRequest): Promise<void> {
  const layout = qcow2Overlay(sizeBytes, backingPath);
  await writeFileAtomic({
    path,
    mode: 0o600,
    durable,
    write: async (file) => {
      for (const { position, bytes } of layout.pieces) await writeAll(file, bytes, position);
      await file.truncate(layout.fileBytes);
    },
  });
}
