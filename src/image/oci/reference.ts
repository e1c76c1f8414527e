import { ValidationError } from '../../errors.ts';
import { shown } from '../../spec/parse.ts';
import { isDigest } from './digest.ts';

/** Where an image is: `registry/repository:tag@digest`, taken apart. At least one of tag and digest is there. */
export interface ImageReference {
  /** Host and port as in `docker.io` or `localhost:5000`, in lower case. */
  readonly registry: string;
  /** The name within the registry: `library/python`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…`: wins over the tag. */
  readonly digest: string | undefined;
}

const DEFAULT_REGISTRY = 'docker.io';
const DEFAULT_TAG = 'latest';
/** Names that people use for Docker Hub; the API of it has yet another host. */
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set([DEFAULT_REGISTRY, 'index.docker.io']);
const DOCKER_HUB_HOST = 'registry-1.docker.io';

const MAX_REFERENCE_CHARS = 1_024;
/** Of registry and repository together, as in Docker. */
const MAX_NAME_CHARS = 255;

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const REGISTRY_PATTERN = new RegExp(`^(${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:]{2,39}\\])(?::([0-9]{1,5}))?$`);
const COMPONENT_PATTERN = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const TAG_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * The name of an image as people write it → its parts: `python:3.12`, `ghcr.io/a/b@sha256:…`, `localhost:5000/x`.
 * Without a registry it is Docker Hub, there without a folder `library/`; without tag and digest it is `latest`.
 *
 * @throws {@link ValidationError} `INVALID_ARGUMENT`
 * @example parseReference('python').repository === 'library/python'
 */
export function parseReference(text: unknown): ImageReference {
  if (typeof text !== 'string' || text === '' || text.length > MAX_REFERENCE_CHARS)
    throw invalid(`expected a name such as python:3.12, received ${shown(text)}`);
  const [beforeDigest, digest] = splitAt(text, text.indexOf('@'));
  if (digest !== undefined && !isDigest(digest))
    throw invalid(`expected sha256:… or sha512:… after '@', received ${shown(digest)}`);
  // A colon before the last slash belongs to the port of the registry.
  const colon = beforeDigest.indexOf(':', beforeDigest.lastIndexOf('/') + 1);
  const [name, tag] = splitAt(beforeDigest, colon);
  if (tag !== undefined && !TAG_PATTERN.test(tag))
    throw invalid(
      `expected a tag of at most 128 letters, digits, '_', '.' and '-' after ':', received ${shown(tag)}`,
    );
  const { registry, repository } = parseName(name);
  return { registry, repository, tag: tag ?? (digest === undefined ? DEFAULT_TAG : undefined), digest };
}

/** The one way to write a reference, with everything that was left out: `docker.io/library/python:3.12`. */
export function formatReference({ registry, repository, tag, digest }: ImageReference): string {
  const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${registry}/${repository}${suffix}`;
}

/** The origin of the registry's API. Only a registry on this machine is spoken to without TLS. */
export function registryOrigin({ registry }: ImageReference): string {
  const host = registry === DEFAULT_REGISTRY ? DOCKER_HUB_HOST : registry;
  return `${isLoopback(host) ? 'http' : 'https'}://${host}`;
}

/** Is this host, with or without a port, this machine? */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?$/.test(host);
}

function parseName(name: string): Pick<ImageReference, 'registry' | 'repository'> {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash === -1 ? 0 : slash);
  const isRegistry = /[.:]/.test(first) || first.toLowerCase() === 'localhost';
  const written = isRegistry ? first.toLowerCase() : DEFAULT_REGISTRY;
  const registry = DOCKER_HUB_NAMES.has(written) ? DEFAULT_REGISTRY : written;
  const rest = isRegistry ? name.slice(slash + 1) : name;
  const repository = registry === DEFAULT_REGISTRY && !rest.includes('/') ? `library/${rest}` : rest;
  checkRegistry(registry);
  if (!repository.split('/').every((component) => COMPONENT_PATTERN.test(component)))
    throw invalid(
      `expected a name of lowercase letters and digits, with '.', '_' or '-' between them, received ${shown(rest)}`,
    );
  if (registry.length + repository.length + 1 > MAX_NAME_CHARS)
    throw invalid(`expected a name of at most ${String(MAX_NAME_CHARS)} characters, received ${shown(name)}`);
  return { registry, repository };
}

function checkRegistry(registry: string): void {
  const [, host, port] = REGISTRY_PATTERN.exec(registry) ?? [];
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  // What URLs understand as another host (1.2 is 1.0.0.2) or as none is no name of a registry.
  const isHost = host !== undefined && isPort && hostnameOf(registry) === host;
  if (!isHost)
    throw invalid(`expected a registry such as ghcr.io or localhost:5000, received ${shown(registry)}`);
}

function hostnameOf(registry: string): string | undefined {
  const url = `https://${registry}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

function splitAt(text: string, index: number): readonly [string, string | undefined] {
  return index === -1 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function invalid(problem: string): ValidationError {
  return new ValidationError('image reference', [problem]);
}
