import { ValidationError } from '../../errors.ts';
import { shown } from '../../spec/parse.ts';

/** How root gets in: with the keys that the VM is given, or also with a password. */
export type SshLogin = 'key' | 'password';

/** What an SSH image is made from. */
export interface SshImage {
  readonly baseImage: string;
  readonly login: SshLogin;
  /** Where packages come from instead of the distribution's own server, such as `http://mirror.example/debian`. */
  readonly mirror: string | undefined;
}

const IMAGE_REFERENCE = /^[a-z0-9][A-Za-z0-9._:/@-]{0,511}$/;
const MIRROR = /^https?:\/\/[A-Za-z0-9._~:/-]{1,400}$/;

/** Alpine with an SSH server and what most work needs. Pure. */
export function alpineSshDockerfile(image: SshImage): string {
  checkSshImage(image);
  return lines([
    `FROM ${image.baseImage}`,
    ...(image.mirror === undefined
      ? []
      : [`RUN sed -i 's|https\\?://dl-cdn.alpinelinux.org/alpine|${image.mirror}|' /etc/apk/repositories`]),
    'RUN apk add --no-cache openssh iproute2 curl bash python3',
    ...sshdSteps(),
  ]);
}

/** Debian with an SSH server and what most work needs. Pure. */
export function debianSshDockerfile(image: SshImage): string {
  checkSshImage(image);
  return lines([
    `FROM ${image.baseImage}`,
    ...(image.mirror === undefined
      ? []
      : [
          `RUN find /etc/apt/sources.list /etc/apt/sources.list.d -type f -exec sed -i 's|https\\?://deb.debian.org/debian\\( \\|$\\)|${image.mirror}\\1|' {} +`,
        ]),
    'RUN apt-get update \\',
    ' && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\',
    '    openssh-server iproute2 curl ca-certificates python3-minimal procps \\',
    ' && rm -rf /var/lib/apt/lists/*',
    ...sshdSteps(),
  ]);
}

/** Host keys are made by each VM for itself, so the image must not have any. */
function sshdSteps(): readonly string[] {
  return [
    'COPY sshd_config /etc/ssh/sshd_config',
    'RUN rm -f /etc/ssh/ssh_host_* /etc/machine-id && mkdir -p /root/.ssh && chmod 0700 /root/.ssh',
  ];
}

/** The configuration of the SSH server. Complete: nothing of the distribution's is added. Pure. */
export function sshdConfig(login: SshLogin): string {
  return lines([
    `PermitRootLogin ${login === 'password' ? 'yes' : 'prohibit-password'}`,
    `PasswordAuthentication ${login === 'password' ? 'yes' : 'no'}`,
    'KbdInteractiveAuthentication no',
    'PubkeyAuthentication yes',
    'AuthorizedKeysFile .ssh/authorized_keys',
    // The address of a host's user network has no name; asking for one delays each login.
    'UseDNS no',
    'PrintMotd no',
    'AcceptEnv LANG LC_*',
    'Subsystem sftp internal-sftp',
  ]);
}

function checkSshImage({ baseImage, mirror }: SshImage): void {
  const problems = [
    ...(IMAGE_REFERENCE.test(baseImage)
      ? []
      : [`baseImage: expected the name of an image, received ${shown(baseImage)}`]),
    ...(mirror === undefined || MIRROR.test(mirror)
      ? []
      : [`mirror: expected an http or https address, received ${shown(mirror)}`]),
  ];
  if (problems.length > 0) throw new ValidationError('SSH image', problems);
}

function lines(parts: readonly string[]): string {
  return `${parts.join('\n')}\n`;
}
