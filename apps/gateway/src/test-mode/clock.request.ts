import { TEST_CLOCK_AHEAD_MAX_MS } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { TestClockView } from '../database/test-space.repository.js';
import { bodyReader, INSTANT_SCHEMA, instantOf, wrong } from '../http/writes/request-body.js';
import type { JsonObject } from '../http/edge/strict-json.js';

interface ClockRequest {
  readonly advance_seconds?: number;
  readonly now?: string;
}

export const CLOCK_REQUEST_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    advance_seconds: { type: 'integer', minimum: 1, maximum: TEST_CLOCK_AHEAD_MAX_MS / 1_000 },
    now: INSTANT_SCHEMA,
  },
} as const;

export const RESET_REQUEST_SCHEMA = { type: 'object', additionalProperties: false, properties: {} } as const;

const readBody = bodyReader<ClockRequest>(CLOCK_REQUEST_SCHEMA);
export const readReset = bodyReader<object>(RESET_REQUEST_SCHEMA);

/** How far the clock is to be ahead, by how far it is. */
export type Travel = (clock: Pick<TestClockView, 'now' | 'ahead_ms'>) => number;

/** Checks a body. The journey it returns throws 422 where it would lead back, or too far. */
export function readTravel(json: JsonObject): Travel {
  const { advance_seconds, now: given } = readBody(json);
  const until = instantOf('/now', given);
  if ((advance_seconds === undefined) === (until === null))
    throw wrong('', 'malformed', 'Say one of `advance_seconds` and `now`.');
  return ({ now, ahead_ms }) => {
    const ahead = until === null ? ahead_ms + (advance_seconds as number) * 1_000 : Date.parse(until) - now.getTime();
    if (ahead <= ahead_ms) throw new Problem('test_clock_backwards');
    if (ahead > TEST_CLOCK_AHEAD_MAX_MS) throw new Problem('test_clock_too_far');
    return ahead;
  };
}
