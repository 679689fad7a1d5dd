import { DECLINES, NOT_SENT_REASONS, REFUSALS, type Refusal } from '@payflow/contracts';

/** The reasons of which it is known whose they are: a word that both we and providers use means different things. */
const SENTENCES = sentences();

function sentences(): ReadonlyMap<string, string> {
  const all = [REFUSALS, DECLINES, NOT_SENT_REASONS].flatMap((reasons) => Object.entries(reasons));
  const counts = new Map<string, number>();
  for (const [reason] of all) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return new Map(all.filter(([reason]) => counts.get(reason) === 1));
}

/** Why it was refused, for people. */
export function refusalDetail(reason: string): string {
  return SENTENCES.get(reason) ?? `Refused: ${reason}.`;
}

/** {@link refusalDetail} of a reason that is the ledger's: whose it is, is known. */
export function booksRefusalDetail(reason: string): string {
  return Object.hasOwn(REFUSALS, reason) ? REFUSALS[reason as Refusal] : refusalDetail(reason);
}
