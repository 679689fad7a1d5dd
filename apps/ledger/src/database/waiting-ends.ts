import { AWAKE_S, invariant } from '@payflow/invariants';

/** How long transactions that may have missed a mark, and the adding up of a month, may take: minutes with millions of accounts. */
const CLOSED_WITHIN = "interval '30 minutes'";
/** A seal comes each minute. */
const SEALED_WITHIN = "interval '10 minutes'";

/** A ledger that comes back from a pause seals what it finds within a minute: only then has it missed it. */
const AT_WORK_S = 180;

const bookedAfter = (before: string) => `lateral (
      select t.recorded_at from transfers t
      where t.xact_id >= unsealed.xact_id and t.recorded_at >= ${before}.recorded_at + interval '1 minute' order by t.xact_id limit 1)`;

/** Evidence for whoever looks from outside: the ledger was at work in three later minutes. Reads no further than these. */
const BOOKED_IN_THREE_MINUTES = `exists (
      select from ${bookedAfter('unsealed')} as one cross join ${bookedAfter('one')} as two cross join ${bookedAfter('two')} as three)`;

/**
 * Both wait for every transaction on the server, and say nothing of it. And whatever else keeps a seal from being made, keeps it for
 * ever: a lock that is held elsewhere, a gap in a chain. What a ledger that was stopped has not got round to is not meant.
 */
const waitingEnds = (wasAtWork: string) => `
    select 'periods/' || month || ' is closing' as id from periods
    where status = 'closing' and closing_at < clock_timestamp() - ${CLOSED_WITHIN}
    union all
    select 'transfers/' || id || case when is_held_up then ' cannot be sealed, nor what follows: an older transaction is open'
      else ' is not sealed, nor what follows' end
    from (
      select id, recorded_at, xact_id, xact_id >= pg_snapshot_xmin(pg_current_snapshot()) as is_held_up from transfers
      where xact_id >= coalesce((select to_xact from seals order by seal desc limit 1), '0') order by xact_id limit 1) as unsealed
    where recorded_at < clock_timestamp() - ${SEALED_WITHIN} and (is_held_up or ${wasAtWork})`;

export const nothingWaitsForEver = invariant({
  name: 'I15',
  owner: 'ledger',
  running: waitingEnds(`${AWAKE_S} >= ${AT_WORK_S}`),
  full: waitingEnds(BOOKED_IN_THREE_MINUTES),
});
