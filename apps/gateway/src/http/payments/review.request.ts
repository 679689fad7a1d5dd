import { newId, REVIEW_REASON_LENGTH_MAX, type ReviewDecision, type ReviewState } from '@payflow/contracts';
import type { ReviewWrite } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import { conditionOf } from '../writes/condition.js';
import { bodyReader } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `POST /api/v1/reviews/:id/approve`, `…/deny` */
export const REVIEW_DECISION_REQUEST_SCHEMA = {
  type: 'object',
  required: ['reason'],
  additionalProperties: false,
  properties: {
    reason: {
      type: 'string',
      minLength: 1,
      maxLength: REVIEW_REASON_LENGTH_MAX,
      pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
    },
  },
} as const;

const readDecision = bodyReader<{ readonly reason: string }>(REVIEW_DECISION_REQUEST_SCHEMA);

/** Which review is to be decided, and at which version; null: at any. */
export interface AskedReview {
  readonly review: ReviewState;
  readonly ifVersion: number | null;
}

/** Checks a body and makes the command of it that decides the review. Throws 400. */
export function reviewWrite(
  { review: { id, payment }, ifVersion }: AskedReview,
  decision: ReviewDecision,
  json: JsonObject,
  caller: Caller,
  now: Date,
): ReviewWrite {
  const { reason } = readDecision(json);
  const commandId = newId('event');
  return {
    kind: 'change',
    type: 'payflow.review.decide.v1',
    command: { id, payment, decision, reason, ...conditionOf(ifVersion) },
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}
