import type { DisputeLeg, DisputeStatus, PaymentStatus } from '@payflow/contracts';

/** What a provider tells of a dispute. */
export type DisputeWord = 'opened' | 'won' | 'lost';

interface StatusTransition {
  /** Null: it was not known before. */
  readonly from: DisputeStatus | null;
  readonly to: DisputeStatus;
  readonly by: string;
}

/** Every change that a dispute's status may make. A decision may be heard before the opening: then it begins with that. */
export const STATUS_TRANSITIONS: readonly StatusTransition[] = [
  { from: null, to: 'needs_response', by: 'opened' },
  { from: null, to: 'won', by: 'won, told before it was opened' },
  { from: null, to: 'lost', by: 'lost, told before it was opened' },
  { from: 'needs_response', to: 'under_review', by: 'the provider has the evidence' },
  { from: 'needs_response', to: 'won', by: 'decided for us' },
  { from: 'needs_response', to: 'lost', by: 'decided against us' },
  { from: 'under_review', to: 'won', by: 'decided for us' },
  { from: 'under_review', to: 'lost', by: 'decided against us' },
];

interface LegTransition {
  readonly from: DisputeLeg | null;
  readonly to: DisputeLeg;
  readonly by: string;
}

/** Every change that the place of the disputed money may make. `of nothing`: its payment has ended, and nothing was captured of it. */
export const LEG_TRANSITIONS: readonly LegTransition[] = [
  { from: null, to: 'taking', by: 'the ledger is asked to take it' },
  { from: 'taking', to: 'taken', by: 'booked' },
  { from: 'taking', to: 'refused', by: 'the ledger refused' },
  { from: 'taking', to: 'waived', by: 'the ledger refused what is won by now, or of nothing' },
  { from: 'taking', to: 'returning', by: 'booked, and won by now, or of nothing' },
  { from: 'refused', to: 'taking', by: 'asked again' },
  { from: 'refused', to: 'waived', by: 'won, or of nothing' },
  { from: 'taken', to: 'returning', by: 'won, or of nothing' },
  { from: 'returning', to: 'returned', by: 'booked' },
  { from: 'returning', to: 'return_refused', by: 'the ledger refused' },
  { from: 'return_refused', to: 'returning', by: 'asked again' },
];

export function isLegalStatus(from: DisputeStatus | null, to: DisputeStatus): boolean {
  return from === to || STATUS_TRANSITIONS.some((transition) => transition.from === from && transition.to === to);
}

export function isLegalLeg(from: DisputeLeg | null, to: DisputeLeg): boolean {
  return from === to || LEG_TRANSITIONS.some((transition) => transition.from === from && transition.to === to);
}

export function isDecided(status: DisputeStatus): boolean {
  return status === 'won' || status === 'lost';
}

/** True while the ledger has been asked and has not answered. */
export function isAsked(leg: DisputeLeg): leg is 'taking' | 'returning' {
  return leg === 'taking' || leg === 'returning';
}

/** Where the money goes when the dispute is won. While the ledger has not answered it stays where it is: its word decides. */
export function legAfterWin(leg: DisputeLeg): DisputeLeg {
  if (leg === 'taken') return 'returning';
  return leg === 'refused' ? 'waived' : leg;
}

/** Where the money is after the ledger's word. What could not be taken of a dispute that is won by now need not be, nor of nothing. */
export function legAfterVerdict(
  leg: 'taking' | 'returning',
  isPosted: boolean,
  status: DisputeStatus,
  isOfNothing = false,
): DisputeLeg {
  if (leg === 'returning') return isPosted ? 'returned' : 'return_refused';
  if (status === 'won' || isOfNothing) return isPosted ? 'returning' : 'waived';
  return isPosted ? 'taken' : 'refused';
}

/** Where the money is to go, where it is not where it should be and nobody was asked for it; undefined where it may stay. */
export function legAfterSweep(leg: DisputeLeg, isOfNothing: boolean): DisputeLeg | undefined {
  switch (leg) {
    case 'refused':
      return isOfNothing ? 'waived' : 'taking';
    case 'return_refused':
      return 'returning';
    case 'taken':
      return isOfNothing ? 'returning' : undefined;
    default:
      return undefined;
  }
}

/** A payment that has ended, and of which nothing was captured: there is no money in it that could be disputed. */
export function isInVain(status: PaymentStatus): boolean {
  return status === 'failed' || status === 'canceled' || status === 'expired';
}
