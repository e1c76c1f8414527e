import { SmolVMError } from '../../errors.ts';

/** An SSH server, who we are to it, and who it has to be. */
export interface SshEndpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private key, 0600. */
  readonly keyPath: string;
  /** Holds exactly one line: the alias and the pinned key. */
  readonly knownHostsPath: string;
  /** The name under which the key is pinned: the address is shared by many servers over time. */
  readonly hostKeyAlias: string;
  /** Of the pinned key, such as `ssh-ed25519`. */
  readonly hostKeyType: string;
}

/** Options for any program of OpenSSH: nothing of the user's configuration decides whom we trust, or as whom we come. */
export function trustOptions(endpoint: SshEndpoint): readonly string[] {
  return options({
    IdentityFile: fileOption(endpoint.keyPath),
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: fileOption(endpoint.knownHostsPath),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    HostKeyAlias: endpoint.hostKeyAlias,
    HostKeyAlgorithms: algorithmsOf(endpoint.hostKeyType),
    PreferredAuthentications: 'publickey',
  });
}

/**
 * The client that carries our frames: it asks nobody, forwards nothing, shares no connection, and notices a server that
 * has gone mute. OpenSSH itself turns Nagle's algorithm off (TCP_NODELAY) on every connection.
 */
export function sshArgv(endpoint: SshEndpoint, remoteCommand: string): readonly [string, ...string[]] {
  const quiet = options({
    BatchMode: 'yes',
    IdentityAgent: 'none',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    PermitLocalCommand: 'no',
    ControlMaster: 'no',
    ControlPath: 'none',
    RequestTTY: 'no',
    EscapeChar: 'none',
    Compression: 'no',
    LogLevel: 'ERROR',
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
  });
  const { port, user, host } = endpoint;
  const place = ['-p', String(port), '-l', user, '--', host, remoteCommand];
  return ['ssh', '-F', '/dev/null', '-T', ...trustOptions(endpoint), ...quiet, ...place];
}

function options(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** RSA keys sign by several algorithms; the others are named as their keys. */
function algorithmsOf(keyType: string): string {
  return keyType === 'ssh-rsa' ? 'rsa-sha2-512,rsa-sha2-256' : keyType;
}

/** A path in an option: quoted, because blanks part values, and `%` doubled, because it begins a token (ssh_config(5)). */
function fileOption(path: string): string {
  if (!/["\\\n\r]|\$\{/.test(path)) return `"${path.replaceAll('%', '%%')}"`;
  throw new SmolVMError('HOST_FAILED', `OpenSSH cannot be given the path ${JSON.stringify(path)}`, {
    hint: 'Choose a state folder without quotes, backslashes and ${ in its path: SMOLVM_HOME',
  });
}
