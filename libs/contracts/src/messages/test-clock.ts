import type { MessageSpec } from '../messages.js';
import { id, object, version } from './schema.js';

/** A test clock may be at most so far ahead of ours: ten years. */
export const TEST_CLOCK_AHEAD_MAX_MS = 3_652 * 86_400_000;

/**
 * How far the clock of a test space is ahead of ours: `…_clock.set.v1` says so to an owner of expiries, `…_clock.moved.v1` is its
 * word that it has heard. A space whose clock was never moved is not ahead, and nobody has heard of it.
 */
export interface TestClock {
  /** The tenant that the space's data stands under. */
  readonly id: string;
  readonly ahead_ms: number;
  /** +1 per move. */
  readonly version: number;
}

const schema = object({
  id: id('tenant'),
  ahead_ms: { type: 'integer', minimum: 0, maximum: TEST_CLOCK_AHEAD_MAX_MS },
  version,
});
const key = (data: TestClock): string => data.id;

export const testClockSchemas = {
  'payflow.payments_clock.set.v1': {
    topic: 'payments.commands.v1',
    key,
    summary: 'Judge what expires of the payments of a test space by this clock.',
    schema,
  },
  'payflow.payments_clock.moved.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'The payments of a test space expire by this clock from now on.',
    schema,
  },
  'payflow.ledger_clock.set.v1': {
    topic: 'ledger.commands.v1',
    key,
    summary: 'Judge what expires of the holds of a test space by this clock.',
    schema,
  },
  'payflow.ledger_clock.moved.v1': {
    topic: 'ledger.events.v1',
    key,
    summary: 'The holds of a test space expire by this clock from now on.',
    schema,
  },
} as const satisfies Record<string, MessageSpec>;
