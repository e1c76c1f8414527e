const FALLBACK_SHELL = '/bin/sh';
const NAME = 0;
const UID = 2;
const SHELL = 6;

/** The login shell that `/etc/passwd` names for `name`, `uid`, `name:group` or `uid:gid`; without one `/bin/sh`. */
export function loginShellOf(user: string, passwd: string): string {
  const [wanted] = user.split(':');
  const entries = passwd.split('\n').map((line) => line.split(':'));
  const entry =
    entries.find((fields) => fields[NAME] === wanted) ??
    entries.find((fields) => /^\d+$/.test(fields[UID] ?? '') && fields[UID] === wanted);
  const shell = entry?.[SHELL] ?? '';
  return shell.startsWith('/') ? shell : FALLBACK_SHELL;
}
