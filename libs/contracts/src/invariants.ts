/** The invariants that are checked by now; numbers are stable names (docs/reliability.md). Each check returns the offending rows. */
export const INVARIANTS = {
  I1: 'every transfer has two different accounts, one asset and an amount above zero',
  I2: 'per asset, debits equal credits over all accounts',
  I3: "each account's four counters equal the sum of its transfers and of what is held",
  I4: "posted and pending never pass the account's floor",
  I5: 'each transfer is booked once, moved back the way it went and no further, and a payment once per step',
  I6: 'a group is booked whole, in one transaction, and nothing joins it later',
  I7: 'each chain of transfers verifies, and ends where its head says',
  I9: 'a payment has not given back more than it took, nor taken more than was set aside, and its sums are those of its operations',
  I10: 'a hold ends once, its postings add up, and an expired one ends within 5 s',
  I11: 'every acknowledged payment exists and reaches a final state',
  I15: 'nothing stays in a non-final state past its deadline unless parked and alarmed',
  I16: 'a payment, and what is asked of a provider for it, changes only by legal transitions, one version at a time, and never leaves a final state; an account and a hold are as their last change left them',
  I18: 'each state change has its message in an outbox row of the same transaction, and each message its change',
  I19: 'the oldest unpublished outbox row is younger than 5 s',
  I20: 'each effect has one durable mark, of the transaction that made it',
  I21: 'what was sent was received: counts and id sums agree per topic and day',
  I32: 'every change of a payment, and of what is asked of a provider for it, has who made it, why, and its trace',
  I35: 'nothing recorded after the close of a period takes effect within it, and its figures are those of its transfers',
  I36: 'what was asked of a provider has ended, is in the queue, or waits for a human',
  I38: 'the money of a dispute is taken once and, where it is won, given back once, by legal changes',
  I40: 'what is reserved and used of a limit is the sum over its payments, and never past it',
  I33: 'no card number, key, token or password in any topic or table',
} as const;

export type InvariantName = keyof typeof INVARIANTS;
