import type { Connector } from '@payflow/connectors';
import { fromUuid, idPattern, uuidOf } from '@payflow/contracts';
import { defineJob, newJob, type JobDefinition, type NewJob } from '@payflow/jobs';
import type { AttemptKey } from './attempt.js';

/** Which attempt; all else is in its row. */
export interface AttemptJob {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly attempt: string;
}

/** A human's word on one. */
export interface ResolveJob extends AttemptJob {
  readonly outcome: 'approved' | 'declined';
  readonly code: string | null;
  readonly reference: string | null;
  readonly actor: string;
  readonly reason: string;
}

const which = {
  tenant: { type: 'string', pattern: idPattern('tenant') },
  livemode: { type: 'boolean' },
  attempt: { type: 'string', pattern: idPattern('attempt') },
};
const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const text = { type: 'string', minLength: 1, maxLength: 255 };
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });

/** A connector gives up after 30 s; what is around it takes milliseconds. */
const TIME_LIMIT_MS = 35_000;
/** An attempt that fails for a reason of ours is tried for two days, and then listed as dead. */
const ATTEMPTS_MAX = 25;

/** Enough for the connectors of most. So many at once cost memory alone: connectors have bulkheads of their own. */
const HANDS_MIN = 200;
/** For what no connector holds just then: it is noted, routed, or put back or off where there is no room. */
const HANDS_FREE = 50;

/** Sends an attempt to a provider. Somebody waits for it. */
export const askProvider = defineJob<AttemptJob>({
  name: 'provider.ask',
  schema: object(which),
  priority: 0,
  attempts_max: ATTEMPTS_MAX,
  timeLimit_ms: TIME_LIMIT_MS,
  concurrency: HANDS_MIN,
});

/** The same where these are asked: with so many hands that those which stand still, all at once, leave the others theirs. */
export function askingJob(connectors: readonly Pick<Connector, 'places'>[]): JobDefinition<AttemptJob> {
  const held = connectors.reduce((sum, { places = 0 }) => sum + places, 0);
  return { ...askProvider, concurrency: Math.max(HANDS_MIN, held + HANDS_FREE) };
}

/**
 * Inquiries that one connector holds at one time: fewer than half of the calls that the smallest can, so that what is to be sent has
 * the other places, whatever is unknown.
 */
export const INQUIRIES_MAX = 50;

/** Asks a provider how an attempt ended. */
const inquireProvider = defineJob<AttemptJob>({
  name: 'provider.inquire',
  schema: object(which),
  priority: 10,
  attempts_max: ATTEMPTS_MAX,
  timeLimit_ms: TIME_LIMIT_MS,
  concurrency: HANDS_FREE,
});

/** The same where these are asked: whatever they hold, there are hands for the others, and for what is put off. */
export function inquiringJob(connectors: readonly unknown[]): JobDefinition<AttemptJob> {
  return { ...inquireProvider, concurrency: connectors.length * INQUIRIES_MAX + HANDS_FREE };
}

/** Takes a human's word for how an attempt ended. */
export const resolveAttempt = defineJob<ResolveJob>({
  name: 'attempt.resolve',
  schema: object({
    ...which,
    outcome: { enum: ['approved', 'declined'] },
    code: orNull({ type: 'string', pattern: '^[a-z][a-z0-9_]{1,63}$' }),
    reference: orNull(text),
    actor: text,
    reason: text,
  }),
  priority: 5,
  attempts_max: ATTEMPTS_MAX,
  timeLimit_ms: TIME_LIMIT_MS,
});

/** Tells the machine again how an attempt ended, where what was told was discarded. */
export const retellAnswer = defineJob<AttemptJob>({
  name: 'attempt.retell',
  schema: object(which),
  priority: 5,
  attempts_max: ATTEMPTS_MAX,
  timeLimit_ms: TIME_LIMIT_MS,
});

type TracedKey = AttemptKey & { readonly traceparent?: string | undefined };

// The sweeper looks for jobs under these keys (`attempts.lost`).

export function askingOf(attempt: TracedKey): NewJob {
  return newJob(askProvider, {
    data: dataOf(attempt),
    key: `ask/${uuidOf('attempt', attempt.id)}`,
    traceparent: attempt.traceparent,
  });
}

/** When it has waited for its turn. */
export function askingLater(attempt: TracedKey, delay_ms: number): NewJob {
  return { ...askingOf(attempt), delay_ms };
}

/** The next inquiry, of which there is one: a later word on its time is the one that counts. */
export function inquiryOf(attempt: TracedKey, delay_ms: number): NewJob {
  return newJob(inquireProvider, {
    data: dataOf(attempt),
    key: `inquire/${uuidOf('attempt', attempt.id)}`,
    delay_ms,
    traceparent: attempt.traceparent,
  });
}

/** `attempt`: the one that the machine knows, whichever provider was asked in the end. */
export function retellingOf(attempt: TracedKey, delay_ms: number): NewJob {
  return newJob(retellAnswer, {
    data: dataOf(attempt),
    key: `retell/${uuidOf('attempt', attempt.id)}`,
    delay_ms,
    traceparent: attempt.traceparent,
  });
}

/** UUID of the tenant, as the row has it. */
export interface AttemptOwner {
  readonly tenant: string;
  readonly livemode: boolean;
}

/** A human's word on an attempt, as a job: the worker alone moves attempts. */
export function resolvingOf({ tenant, livemode }: AttemptOwner, word: Omit<ResolveJob, 'tenant' | 'livemode'>): NewJob {
  return newJob(resolveAttempt, {
    data: { tenant: fromUuid('tenant', tenant), livemode, ...word },
    key: `resolve/${uuidOf('attempt', word.attempt)}`,
  });
}

function dataOf({ tenant, livemode, id }: AttemptKey): AttemptJob {
  return { tenant, livemode, attempt: id };
}
