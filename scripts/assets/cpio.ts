/** One entry of an initramfs archive. */
export interface CpioEntry {
  readonly name: string;
  /** File type and permissions, octal: 0o100755 is an executable file, 0o040755 a folder, 0o020600 a device. */
  readonly mode: number;
  readonly contents?: Buffer;
  /** Major and minor number of a device. */
  readonly device?: readonly [number, number];
}

/** Entries → a "newc" archive (kernel: Documentation/driver-api/early-userspace/buffer-format). Same in, same out. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const all = [...entries, { name: 'TRAILER!!!', mode: 0 }];
  return Buffer.concat(all.map((entry, index) => cpioEntry(entry, index + 1)));
}

function cpioEntry(entry: CpioEntry, inode: number): Buffer {
  const { name, mode, contents = Buffer.alloc(0), device = [0, 0] } = entry;
  const nameBytes = Buffer.from(`${name}\0`, 'latin1');
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const fields = [inode, mode, 0, 0, 1, 0, contents.length, 0, 0, device[0], device[1], nameBytes.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header, 'latin1'), nameBytes])), padded(contents)]);
}

/** Filled with zeros to a multiple of 4 bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
