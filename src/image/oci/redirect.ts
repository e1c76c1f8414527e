import { ImageError } from '../../errors.ts';
import { isLoopback } from './reference.ts';

/**
 * Where a redirect of a registry, or the issuer of tokens that it names, may be: reached by TLS, or on this machine
 * where the registry itself is. A registry elsewhere must not make us ask the services of this machine.
 *
 * @throws {@link ImageError}
 */
export function redirectTarget(from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href)) throw refused(from, 'to no proper address');
  const target = new URL(location, from);
  if (target.username !== '' || target.password !== '')
    throw refused(from, 'to an address with a password in it');
  if (isLoopback(target.hostname)) {
    if (!isLoopback(from.hostname)) throw refused(from, 'to a service of this machine');
    if (target.protocol === 'http:' || target.protocol === 'https:') return target;
  }
  if (target.protocol !== 'https:')
    throw refused(from, `to ${target.protocol}//${target.host}, which is not https`);
  return target;
}

function refused(from: URL, where: string): ImageError {
  return new ImageError(`${from.host} sends us ${where}`, {
    hint: 'Such a registry is not followed. Check the name of the image.',
  });
}
