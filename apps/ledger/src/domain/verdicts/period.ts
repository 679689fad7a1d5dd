import type { MessageData, PeriodClose, Refusal } from '@payflow/contracts';
import type { Book, Owner } from '../book.js';
import { closePeriod, type Period } from '../period.js';

type Rejected = { type: 'payflow.period.rejected.v1'; data: MessageData['payflow.period.rejected.v1'] };

/** Asked for again, a closed month is told as it stands. */
export function acceptClosing(
  book: Book,
  owner: Owner,
  { id, if_version: ifVersion }: PeriodClose,
): Period['told'] | Rejected {
  const known = { standing: book.period(owner, id), latestMonth: book.latestMonth(owner) };
  const decision = closePeriod({ month: id, ifVersion }, known, book.clock);
  if (decision.kind === 'refused') return refuseClosing(id, decision.reason, book.now);
  if (decision.kind === 'standing') return decision.period.told;
  book.close(owner, decision.closing);
  return decision.closing.period.told;
}

export function refuseClosing(id: string, reason: Refusal, now: string): Rejected {
  return { type: 'payflow.period.rejected.v1', data: { id, reason, recorded_at: now } };
}
