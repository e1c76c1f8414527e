import * as v from 'valibot';
import { textRecord } from './parse.ts';

/**
 * How processes of an image are meant to run: what an OCI image configuration says of it. Plain data; empty text and
 * empty lists mean that the image says nothing.
 */
export interface ImageConfig {
  /** Variables by name. */
  readonly env: Readonly<Record<string, string>>;
  /** The absolute folder to start in; empty: `/`. */
  readonly workdir: string;
  /** `name`, `uid`, `name:group` or `uid:gid`; empty: root. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `80/tcp`, `53/udp`. For information: smolvm opens no port because of it. */
  readonly exposedPorts: readonly string[];
}

/** What commands get where their caller says nothing. */
export type CommandDefaults = Pick<ImageConfig, 'env' | 'workdir' | 'user'>;

/** The bounds of an {@link ImageConfig}. The environment must leave room for that of a command. */
const MAX_ENV_BYTES = 256 * 1024;
const MAX_ARGV_BYTES = 256 * 1024;
const MAX_WORDS = 4_096;
const MAX_PATH_BYTES = 4_095;
const MAX_USER_BYTES = 256;

const noNul = (what: string) =>
  v.pipe(v.string(`expected ${what}`), v.regex(/^[^\u0000]*$/, `expected ${what} without NUL bytes`));

const bytesOf = (texts: readonly string[]): number =>
  texts.reduce((total, text) => total + Buffer.byteLength(text) + 1, 0);

const env = v.pipe(
  textRecord(
    v.pipe(v.string(), v.regex(/^[^=\u0000]+$/, 'expected the name of a variable')),
    noNul('a value'),
    'expected variables by name',
  ),
  v.check(
    (variables) => Object.keys(variables).length <= MAX_WORDS,
    `expected at most ${String(MAX_WORDS)} variables`,
  ),
  v.check(
    (variables) => bytesOf(Object.entries(variables).flat()) <= MAX_ENV_BYTES,
    `expected at most ${String(MAX_ENV_BYTES)} bytes of variables`,
  ),
);

const argv = v.pipe(
  v.array(noNul('an argument'), 'expected a list of arguments'),
  v.maxLength(MAX_WORDS, `expected at most ${String(MAX_WORDS)} arguments`),
  v.check((words) => bytesOf(words) <= MAX_ARGV_BYTES, `expected at most ${String(MAX_ARGV_BYTES)} bytes`),
);

const workdir = v.pipe(
  noNul('a folder'),
  v.regex(/^(?:\/|$)/, 'expected an absolute folder'),
  v.maxBytes(MAX_PATH_BYTES, `expected a path of at most ${String(MAX_PATH_BYTES)} bytes`),
);

const user = v.pipe(
  noNul('a user'),
  v.maxBytes(MAX_USER_BYTES, `expected at most ${String(MAX_USER_BYTES)} bytes`),
);

const exposedPorts = v.pipe(
  v.array(
    v.pipe(
      v.string('expected a port'),
      v.regex(/^[0-9]{1,5}\/(?:tcp|udp|sctp)$/, "expected a port as in '80/tcp'"),
    ),
    'expected a list of ports',
  ),
  v.maxLength(MAX_WORDS, `expected at most ${String(MAX_WORDS)} ports`),
);

/** Untrusted input → {@link ImageConfig}. Every field is required; what an image does not say is empty. */
export const imageConfigSchema = v.strictObject({
  env,
  workdir,
  user,
  entrypoint: argv,
  cmd: argv,
  exposedPorts,
});

/** The configuration of an image that says nothing. */
export const EMPTY_IMAGE_CONFIG: ImageConfig = Object.freeze({
  env: Object.freeze({}),
  workdir: '',
  user: '',
  entrypoint: Object.freeze([]),
  cmd: Object.freeze([]),
  exposedPorts: Object.freeze([]),
});
