import * as v from 'valibot';

/** A port of this host that leads to a port of a guest. */
export interface Forward {
  /** The address of this host that it listens on. */
  readonly host: string;
  readonly hostPort: number;
  readonly guestPort: number;
}

const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const forward = v.strictObject({
  host: v.pipe(v.string(), v.maxLength(64)),
  hostPort: port,
  guestPort: port,
});

const requestSchema = v.variant('op', [
  v.strictObject({ op: v.literal('add'), ...forward.entries }),
  v.strictObject({ op: v.literal('remove'), ...forward.entries }),
  v.strictObject({ op: v.literal('list') }),
]);

const answerSchema = v.variant('ok', [
  v.strictObject({ ok: v.literal(true), forwards: v.array(forward) }),
  v.strictObject({ ok: v.literal(false), errno: v.string(), message: v.string() }),
]);

/** What the forwarder of a VM is asked, one JSON line for each connection. A host port of 0 is any free one. */
export type ForwardRequest = v.InferOutput<typeof requestSchema>;

/** Its answer: the forwards that the request is about. */
export type ForwardAnswer = v.InferOutput<typeof answerSchema>;

export const parseForwardRequest = (input: unknown): ForwardRequest => v.parse(requestSchema, input);
export const parseForwardAnswer = (input: unknown): ForwardAnswer => v.parse(answerSchema, input);
