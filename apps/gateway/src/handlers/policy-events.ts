import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import {
  limitDeletedReply,
  limitReply,
  LIMITS_PATH,
  policyRefusedReply,
  reviewReply,
  REVIEWS_PATH,
  riskRuleDeletedReply,
  riskRuleReply,
  RISK_RULES_PATH,
} from '../acceptance/policy-replies.js';
import type { Reply } from '../acceptance/acceptable.js';
import { LIMIT_VIEWS, REVIEW_VIEWS, RISK_RULE_VIEWS } from '../database/policy-views.js';
import { takeAnswered } from '../database/reply.repository.js';
import { commandKeyOf, traceIdOf, writeAnsweredBy, type Replies } from './answered.js';

const TYPES = [
  'payflow.limit.defined.v1',
  'payflow.limit.deleted.v1',
  'payflow.limit.rejected.v1',
  'payflow.risk_rule.defined.v1',
  'payflow.risk_rule.deleted.v1',
  'payflow.risk_rule.rejected.v1',
  'payflow.review.opened.v1',
  'payflow.review.decided.v1',
  'payflow.review.rejected.v1',
] as const;

/** What payments tells of limits, rules and reviews. */
export type PolicyEvent = AnyMessage<(typeof TYPES)[number]>;

export function isPolicyEvent(event: { readonly type: string }): event is PolicyEvent {
  return (TYPES as readonly string[]).includes(event.type);
}

/** Brings limits, rules and reviews into their views, and answers those who defined or decided one. Nothing for nothing. */
export async function applyPolicyEvents(tx: Transaction, events: readonly PolicyEvent[]): Promise<Replies> {
  if (events.length === 0) return [];
  const answers = events.filter(({ type }) => type !== 'payflow.review.opened.v1');
  const [answered] = await Promise.all([
    answers.length > 0 ? takeAnswered(tx, answers.map(commandKeyOf)) : new Map(),
    LIMIT_VIEWS.apply(
      tx,
      events.filter((event) => event.type === 'payflow.limit.defined.v1' || event.type === 'payflow.limit.deleted.v1'),
    ),
    RISK_RULE_VIEWS.apply(
      tx,
      events.filter(
        (event) => event.type === 'payflow.risk_rule.defined.v1' || event.type === 'payflow.risk_rule.deleted.v1',
      ),
    ),
    REVIEW_VIEWS.apply(
      tx,
      events.filter((event) => event.type === 'payflow.review.opened.v1' || event.type === 'payflow.review.decided.v1'),
    ),
  ]);
  return answers.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    return write ? [[write, replyTo(event, write.requestId)]] : [];
  });
}

function replyTo(event: PolicyEvent, requestId: string): Reply {
  const refused = (instance: string, { reason }: { readonly reason: string }): Reply =>
    policyRefusedReply(instance, reason, requestId, traceIdOf(event) ?? undefined);
  switch (event.type) {
    case 'payflow.limit.defined.v1':
      return limitReply(event.data);
    case 'payflow.limit.deleted.v1':
      return limitDeletedReply(event.data);
    case 'payflow.limit.rejected.v1':
      return refused(LIMITS_PATH, event.data);
    case 'payflow.risk_rule.defined.v1':
      return riskRuleReply(event.data);
    case 'payflow.risk_rule.deleted.v1':
      return riskRuleDeletedReply(event.data);
    case 'payflow.risk_rule.rejected.v1':
      return refused(RISK_RULES_PATH, event.data);
    case 'payflow.review.opened.v1':
    case 'payflow.review.decided.v1':
      return reviewReply(event.data);
    case 'payflow.review.rejected.v1':
      return refused(`${REVIEWS_PATH}/${event.data.id}`, event.data);
    default:
      return event satisfies never;
  }
}
