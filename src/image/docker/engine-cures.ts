import type { EngineName } from './engine-names.ts';
import type { EngineProblem } from './engine-problem.ts';
import type { HostSystem } from './host-system.ts';

/** Systems by what their cures have in common. */
type SystemKind = 'mac' | 'debian' | 'linux';

function kindOf({ platform, families }: HostSystem): SystemKind {
  if (platform === 'darwin') return 'mac';
  return families.includes('debian') || families.includes('ubuntu') ? 'debian' : 'linux';
}

/** What to do about a problem with an engine on this kind of system, one sentence. Pure. */
export function engineCure(problem: EngineProblem, engine: EngineName, system: HostSystem): string {
  const kind = kindOf(system);
  switch (problem) {
    case 'not-installed':
      return installCure(engine, kind);
    case 'daemon-not-running':
      return startCure(engine, kind);
    case 'permission-denied':
      return permissionCure(engine, kind);
    case 'disk-full':
      return `See what is free with \`df -h\`, then free what the engine keeps: ${pruneCommand(engine)}`;
    case 'registry-unreachable':
      return 'Check the name of the image, the network and the proxy of the engine; `docker login` lifts pull limits. An image that the engine has already needs no registry.';
  }
}

function installCure(engine: EngineName, kind: SystemKind): string {
  if (kind === 'mac')
    return 'Install Docker Desktop and start it: https://docs.docker.com/desktop/setup/install/mac-install/';
  const debianPackage = engine === 'docker' ? 'docker.io' : engine;
  if (kind === 'debian') return `Install it: sudo apt-get install ${debianPackage}`;
  return `Install the package \`${engine}\` of your distribution, or see https://docs.docker.com/engine/install/`;
}

function startCure(engine: EngineName, kind: SystemKind): string {
  if (engine === 'podman') {
    return kind === 'mac'
      ? 'Start it: podman machine start'
      : 'Start it: systemctl --user start podman.socket';
  }
  return kind === 'mac'
    ? 'Start Docker Desktop: open -a Docker'
    : 'Start it: sudo systemctl start docker (where DOCKER_HOST is set, check what it names)';
}

function permissionCure(engine: EngineName, kind: SystemKind): string {
  if (engine !== 'docker')
    return 'Give your user ids for containers: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$USER", and check that HOME and XDG_RUNTIME_DIR are yours.';
  return kind === 'mac'
    ? 'Restart Docker Desktop as your own user.'
    : 'Add your user to the docker group: sudo usermod -aG docker "$USER", then log in again (or run: newgrp docker)';
}

function pruneCommand(engine: EngineName): string {
  return engine === 'buildah' ? 'buildah prune' : `${engine} system prune`;
}
