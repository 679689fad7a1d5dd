import { invariant, recentOutbox } from '@payflow/invariants';
import { LEG_TRANSITIONS, STATUS_TRANSITIONS } from '../domain/dispute-states.js';
import { parked } from './parked.js';

const legal = (transitions: readonly { readonly from: string | null; readonly to: string }[], column: string) => {
  const pairs = transitions.map(({ from, to }) => `('${from ?? ''}', '${to}')`).join(', ');
  return `(coalesce(t.from_${column}, ''), t.to_${column}) in (${pairs}) or t.from_${column} = t.to_${column}`;
};

/** What each place of the money means for the movements that were booked. */
const BOOKED: Readonly<Record<string, readonly [out: number, back: number]>> = {
  taking: [0, 0],
  refused: [0, 0],
  waived: [0, 0],
  taken: [1, 0],
  returning: [1, 0],
  return_refused: [1, 0],
  returned: [1, 1],
};
const EXPECTED = Object.entries(BOOKED)
  .map(([leg, [out, back]]) => `('${leg}', ${out}, ${back})`)
  .join(', ');

/** The sweeper has whatever waits for the ledger asked again after 10 s, every 2 s; thirty more is late by any measure. */
const UNHEARD = '40 seconds';

/** Movements that the ledger has not answered: what it refuses is flagged and asked for again, but of these nobody knows. */
export const UNMOVED = `
  select 'disputes/' || d.id || ' is ' || d.leg || ', and the ledger does not answer' as id
  from disputes d join dispute_legs l on l.command_id = d.leg_command_id
  where d.leg in ('taking', 'returning') and l.asked_at < clock_timestamp() - interval '${UNHEARD}'
    and not exists (${parked('d.tenant_id', 'd.payment_id')})`;

/**
 * The money of a dispute was taken once, unless that is flagged, and given back once where it is won, or where nothing was captured;
 * its changes are legal and leave no version out; and each is told in its transaction.
 */
const disputes = (form: 'running' | 'full') => {
  const since = form === 'full' ? '' : `and d.updated_at >= clock_timestamp() - interval '10 minutes'`;
  const logged = form === 'full' ? '' : `and t.at >= clock_timestamp() - interval '10 minutes'`;
  return `
  with ${recentOutbox(form)},
  booked as (
    select d.*, count(*) filter (where l.status = 'posted' and l.direction = 'out') as outs,
      count(*) filter (where l.status = 'posted' and l.direction = 'back') as backs
    from disputes d left join dispute_legs l on l.tenant_id = d.tenant_id and l.livemode = d.livemode and l.dispute_id = d.id
    where true ${since} group by d.tenant_id, d.livemode, d.id)
  select 'disputes/' || b.id || ' is ' || b.leg || ' with ' || b.outs || ' out and ' || b.backs || ' back' as id
  from booked b join (values ${EXPECTED}) as e (leg, outs, backs) on e.leg = b.leg
  where (b.outs, b.backs) <> (e.outs, e.backs)
  union all
  select 'disputes/' || b.id || ' is ' || b.status || ' and ' || b.leg from booked b
  where (b.status = 'won') <> (b.leg in ('returning', 'returned', 'return_refused', 'waived'))
    and not (b.status = 'won' and b.leg = 'taking')
    -- Of a payment that ended with nothing captured it is given back, whatever the provider says of the dispute.
    and not (b.status <> 'won' and exists (select from payments p where p.tenant_id = b.tenant_id and p.livemode = b.livemode
      and p.id = b.payment_id and p.status in ('failed', 'canceled', 'expired')))
  union all
  select 'disputes/' || b.id || ' is taken, and nothing was captured of its payment'
  from booked b join payments p on p.tenant_id = b.tenant_id and p.livemode = b.livemode and p.id = b.payment_id
  where b.leg = 'taken' and p.status in ('failed', 'canceled', 'expired') and p.updated_at < clock_timestamp() - interval '1 minute'
  union all
  select 'dispute_transitions/' || t.dispute_id || '/' || t.version || ' is not legal' from dispute_transitions t
  where not ((${legal(STATUS_TRANSITIONS, 'status')}) and (${legal(LEG_TRANSITIONS, 'leg')})) ${logged}
  union all
  select 'disputes/' || b.id || ' has versions without a transition' from booked b
  where b.version <> (select count(*) from dispute_transitions t
    where t.tenant_id = b.tenant_id and t.livemode = b.livemode and t.dispute_id = b.id)
  union all
  select 'dispute_transitions/' || t.dispute_id || '/' || t.version || ' has no message' from since, dispute_transitions t
  where t.at >= since.at + interval '1 minute' and not exists (
    select from sent s where s.xact_id = t.xact_id and s.subject = t.dispute_id and s.version = t.version
      and s.type like 'payflow.dispute.%')`;
};

export const moneyOfDisputesMovesOnce = invariant({
  name: 'I38',
  owner: 'payments',
  running: disputes('running'),
  full: disputes('full'),
});
