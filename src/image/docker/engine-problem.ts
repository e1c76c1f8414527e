/** What can be wrong with an engine, of which we know the cure. */
export type EngineProblem =
  'not-installed' | 'daemon-not-running' | 'permission-denied' | 'disk-full' | 'registry-unreachable';

/**
 * What engines say, by what it means; the first line that fits counts. Each pattern names its speaker's words closely
 * enough that a command of a Dockerfile which prints "permission denied" is not taken for the engine.
 */
const SIGNS: readonly (readonly [EngineProblem, RegExp])[] = [
  // WSL without the integration of Docker Desktop has a program that says only this.
  ['not-installed', /The command 'docker' could not be found in this WSL/i],
  // Docker, "Got" up to 23; "the docker API" since 28.
  ['permission-denied', /permission denied while trying to connect to the docker (?:daemon|API)/i],
  ['permission-denied', /unable to connect to Podman.*permission denied/i],
  // Podman and Buildah without root: no ids of their own, or folders of another user.
  ['permission-denied', /no sub[ug]id ranges found for user|insufficient UIDs or GIDs available/i],
  ['permission-denied', /^(?:Error: |level=error msg=")?mkdir [^:]*: permission denied/i],
  ['permission-denied', /cannot (?:clone|re-exec process).*(?:operation not permitted|permission denied)/i],
  ['daemon-not-running', /Cannot connect to the Docker daemon/i],
  ['daemon-not-running', /failed to connect to the docker API/i],
  ['daemon-not-running', /error during connect:/i],
  ['daemon-not-running', /Cannot connect to Podman|unable to connect to Podman/i],
  ['daemon-not-running', /Docker Desktop is (?:not running|unable to start|shutting down|starting)/i],
  ['disk-full', /no space left on device|disk quota exceeded/i],
  ['disk-full', /You don't have enough free space in \/var\/cache\/apt/i],
  ['registry-unreachable', /pinging (?:docker|container) registry/i],
  ['registry-unreachable', /(?:Get|Head) "?https?:\/\/[^ "]+\/v2\/[^ "]*"?: (?!unauthorized|denied)/i],
  ['registry-unreachable', /failed to do request: (?:Get|Head)/i],
  [
    'registry-unreachable',
    /failed to (?:fetch (?:anonymous|oauth) token|authorize): .*(?:dial tcp|timeout|TLS|EOF)/i,
  ],
  ['registry-unreachable', /toomanyrequests|You have reached your (?:unauthenticated )?pull rate limit/i],
];

/** The most lines of an output that are looked at: what an engine says of its own failure comes last. */
const LOOKED_AT_LINES = 30;

/** A problem, and the line by which it is known. */
export interface FoundProblem {
  readonly problem: EngineProblem;
  readonly line: string;
}

/** What the outputs of an engine that failed mean, or undefined for a failure of what was asked. Pure. */
export function engineProblem(output: {
  readonly stderr: string;
  readonly stdout: string;
}): FoundProblem | undefined {
  const lines = [output.stderr, output.stdout].flatMap((part) => lastLines(part, LOOKED_AT_LINES));
  for (const [problem, sign] of SIGNS) {
    const line = lines.find((text) => sign.test(text));
    if (line !== undefined) return { problem, line };
  }
  return undefined;
}

/** The last lines that are not empty. */
export function lastLines(text: string, count: number): readonly string[] {
  return text
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
