import { ImageError } from '../../errors.ts';

/** `/etc/shadow` in which root has this password. Pure. */
export function withRootPassword(shadow: string, hash: string): string {
  const lines = shadow.split('\n');
  const at = lines.findIndex((line) => line.startsWith('root:'));
  const fields = lines[at]?.split(':');
  if (fields === undefined)
    throw new ImageError('the image has no user root in /etc/shadow', {
      hint: 'Use a base image with the usual user database, or a key instead of a password.',
    });
  fields[1] = hash;
  return lines.with(at, fields.join(':')).join('\n');
}
