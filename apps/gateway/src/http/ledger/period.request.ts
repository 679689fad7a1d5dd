import { MONTH_PATTERN, newId } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { PeriodCloseWrite } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import { conditionOf } from '../writes/condition.js';
import { bodyReader } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `POST /api/v1/periods/:month/close`: there is nothing to say. */
export const PERIOD_CLOSE_REQUEST_SCHEMA = { type: 'object', additionalProperties: false, properties: {} } as const;

const readClose = bodyReader<Record<string, never>>(PERIOD_CLOSE_REQUEST_SCHEMA);
const MONTH = new RegExp(MONTH_PATTERN);

/** The month of a path. Throws `invalid_parameter` for what is none. */
export function monthOf(text: string): string {
  if (MONTH.test(text)) return text;
  const detail = 'Must be a month of UTC, such as 2026-10.';
  throw new Problem('invalid_parameter', { errors: [{ pointer: 'month', code: 'malformed', detail }] });
}

/** The month that is to close, and the version of it that was seen; null: any. */
export interface AskedMonth {
  readonly month: string;
  readonly ifVersion: number | null;
}

/** Makes the command that closes a month. Throws 400 for a body that says something. */
export function periodCloseWrite(
  { month, ifVersion }: AskedMonth,
  json: JsonObject,
  caller: Caller,
  now: Date,
): PeriodCloseWrite {
  readClose(json);
  const commandId = newId('event');
  return {
    kind: 'change',
    type: 'payflow.period.close.v1',
    command: { id: month, ...conditionOf(ifVersion) },
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}
