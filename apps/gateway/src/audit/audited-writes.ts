import { uuidOf } from '@payflow/contracts';
import type { Acceptable, Write } from '../acceptance/acceptable.js';
import type { AuditEntry, AuditedView } from '../domain/audit.js';

/**
 * The commands that are written down: those that change how an organisation works, and those by which a human decides. What moves
 * money is not among them: its event names who asked for it, for ever, and no statement more is sent on its way. With the view
 * that tells what was there before, where the gateway has one.
 */
const AUDITED: ReadonlyMap<Write['type'], AuditedView | 'unseen'> = new Map([
  ['payflow.limit.define.v1', 'limit'],
  ['payflow.limit.delete.v1', 'limit'],
  ['payflow.risk_rule.define.v1', 'risk_rule'],
  ['payflow.risk_rule.delete.v1', 'risk_rule'],
  ['payflow.review.decide.v1', 'review'],
  ['payflow.account.update.v1', 'account'],
  ['payflow.transaction_type.define.v1', 'transaction_type'],
  ['payflow.asset.define.v1', 'unseen'],
  ['payflow.period.close.v1', 'unseen'],
  ['payflow.dispute.submit_evidence.v1', 'unseen'],
] as const);

const ID_KINDS = { limit: 'limit', risk_rule: 'riskRule', review: 'review', account: 'account' } as const;

export function isAudited({ type }: Write): boolean {
  return AUDITED.has(type);
}

/** What is to be written down of a group of writes; nothing for nearly all groups. */
export function auditEntriesOf(writes: readonly Acceptable[]): AuditEntry[] {
  return writes.some(({ audit }) => audit) ? writes.flatMap(entryOf) : [];
}

function entryOf({ tenant, write, audit }: Acceptable): AuditEntry[] {
  if (!audit) return [];
  const { id: resource, ...after } = write.command as { readonly id: string };
  const of = AUDITED.get(write.type);
  if (of === undefined || of === 'unseen') return [{ origin: audit, resource, after: shown(write, after) }];
  const uuid = of === 'transaction_type' ? null : uuidOf(ID_KINDS[of], resource);
  return [{ origin: audit, resource, after, view: { of, tenant, uuid } }];
}

/** Evidence is about a cardholder: that it was given is written down, and not what it says. */
function shown({ type }: Write, after: object): object | null {
  return type === 'payflow.dispute.submit_evidence.v1' ? null : after;
}
