import { DECLINES, NOT_SENT_REASONS, REFUSALS, type Refusal } from '@payflow/contracts';

/** Of the words that both we and providers use: what is true whosever it is. */
const SHARED: Readonly<Record<Refusal & keyof typeof DECLINES, string>> = {
  capture_exceeds_authorized: 'More was to be captured than is set aside and not captured yet.',
  insufficient_funds: 'There is less than the amount to be had.',
  limit_exceeded: 'It would pass a limit: of the organisation, or of the card.',
  provider_declined: 'The provider said no, for a reason of its own.',
  refund_exceeds_captured: 'More was to be given back than was captured and is not given back yet.',
};

const SENTENCES: ReadonlyMap<string, string> = new Map(
  [REFUSALS, DECLINES, NOT_SENT_REASONS, SHARED].flatMap((reasons) => Object.entries(reasons)),
);

/** Why it was refused, for people. */
export function refusalDetail(reason: string): string {
  return SENTENCES.get(reason) ?? `Refused: ${reason}.`;
}

/** {@link refusalDetail} of a reason that is ours: whose it is, is known. */
export function ownRefusalDetail(reason: string): string {
  return Object.hasOwn(REFUSALS, reason) ? REFUSALS[reason as Refusal] : refusalDetail(reason);
}
