import type { AttemptStatus } from '@payflow/contracts';

/** One way from a state of an attempt to another, and what leads there. */
interface Transition {
  readonly from: AttemptStatus;
  readonly to: AttemptStatus;
  readonly by: string;
}

const LATE = 'a late answer to what was sent before';

/**
 * Every change that an attempt's state may make; all others are bugs, and are never written. From each state to itself there is a
 * way as well: somebody was asked and said nothing new, or has to look. The picture is made of it
 * (docs/generated/attempt-life.md), and the check I16 holds the transition log against it.
 */
export const ATTEMPT_TRANSITIONS: readonly Transition[] = [
  { from: 'created', to: 'sending', by: 'noted, and then sent' },
  {
    from: 'created',
    to: 'not_sent',
    by: 'nobody could be asked, or its time went by after its provider had said that it never heard of it',
  },
  {
    from: 'created',
    to: 'unknown',
    by: 'it may have been sent before and is not to be sent any more, a webhook says that it was done, or nobody is there to give it back',
  },
  { from: 'created', to: 'approved', by: LATE },
  { from: 'created', to: 'declined', by: LATE },
  { from: 'created', to: 'requires_action', by: LATE },
  { from: 'sending', to: 'created', by: 'it never left this process, and waits for its turn' },
  { from: 'sending', to: 'approved', by: 'yes' },
  { from: 'sending', to: 'declined', by: 'no' },
  { from: 'sending', to: 'requires_action', by: 'the customer has to act' },
  { from: 'sending', to: 'not_sent', by: 'it cannot have been received' },
  { from: 'sending', to: 'unknown', by: 'no answer, or whoever sent it has died' },
  { from: 'unknown', to: 'created', by: 'the provider never heard of it, and it is sent again under the same key' },
  { from: 'unknown', to: 'approved', by: 'yes' },
  { from: 'unknown', to: 'declined', by: 'no' },
  { from: 'unknown', to: 'requires_action', by: 'the customer has to act' },
  {
    from: 'unknown',
    to: 'not_sent',
    by: 'the provider never heard of it, and it is too late to send it, or it was called off',
  },
  { from: 'requires_action', to: 'approved', by: 'the customer has acted' },
  { from: 'requires_action', to: 'declined', by: 'the customer has acted, or will not' },
];

/** States that no transition leaves for another. */
export const FINAL_ATTEMPT_STATES: readonly AttemptStatus[] = ['approved', 'declined', 'not_sent'];

export function isLegalMove(from: AttemptStatus, to: AttemptStatus): boolean {
  return from === to || ATTEMPT_TRANSITIONS.some((transition) => transition.from === from && transition.to === to);
}

/** The transitions as a Mermaid state diagram. */
export function attemptDiagram(): string {
  const arrows = ATTEMPT_TRANSITIONS.map(({ from, to, by }) => `  ${from} --> ${to}: ${by}`);
  const ends = FINAL_ATTEMPT_STATES.map((state) => `  ${state} --> [*]`);
  return ['stateDiagram-v2', '  [*] --> created: a wish', ...arrows, ...ends].join('\n');
}
