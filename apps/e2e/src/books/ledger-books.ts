import type { Databases } from '../house/databases.js';
import type { Finding } from './finding.js';

/** Each answers with the offending rows as text, at most a hundred. */
const CHECKS: readonly (readonly [rule: string, query: string])[] = [
  [
    'I1',
    `select 'transfer ' || t.id || ' joins accounts that do not fit' as what from transfers t
     left join accounts d on (d.tenant_id, d.livemode, d.id) = (t.tenant_id, t.livemode, t.debit_account_id)
     left join accounts c on (c.tenant_id, c.livemode, c.id) = (t.tenant_id, t.livemode, t.credit_account_id)
     where t.amount_minor <= 0 or t.debit_account_id = t.credit_account_id
       or d.asset is distinct from t.asset or c.asset is distinct from t.asset`,
  ],
  [
    'I2',
    `select tenant_id || ' ' || asset || ': debits ' || sum(posted_debits) || ', credits ' || sum(posted_credits) as what
     from accounts group by tenant_id, livemode, asset having sum(posted_debits) <> sum(posted_credits)`,
  ],
  [
    'I3',
    `select 'account ' || a.id || ' counts ' || a.posted_debits || '/' || a.posted_credits || ', its transfers ' ||
       coalesce(s.debits, 0) || '/' || coalesce(s.credits, 0) as what
     from accounts a left join (
       select tenant_id, livemode, account_id, sum(debits) as debits, sum(credits) as credits from (
         select tenant_id, livemode, debit_account_id as account_id, amount_minor as debits, 0 as credits from transfers
         union all select tenant_id, livemode, credit_account_id, 0, amount_minor from transfers) p
       group by 1, 2, 3) s on (s.tenant_id, s.livemode, s.account_id) = (a.tenant_id, a.livemode, a.id)
     where a.posted_debits <> coalesce(s.debits, 0) or a.posted_credits <> coalesce(s.credits, 0)
       or a.pending_debits <> 0 or a.pending_credits <> 0`,
  ],
  [
    'I4',
    `select 'account ' || id || ' is below its floor' as what from accounts where overdraft = 'none' and posted_credits - posted_debits < 0`,
  ],
  [
    'I5',
    `select 'payment ' || payment_id || ' is booked ' || count(*) || ' times' as what from transfers
     where payment_id is not null and hold_id is null and group_id is null group by tenant_id, livemode, payment_id, debit_account_id having count(*) > 1`,
  ],
  [
    'I5',
    `select 'transfer ' || id || ' exists ' || count(*) || ' times' as what from transfers group by tenant_id, livemode, id having count(*) > 1`,
  ],
];

/** The ledger against itself: every account and every transfer. */
export async function ledgerFindings(databases: Databases): Promise<Finding[]> {
  const found = await Promise.all(
    CHECKS.map(async ([rule, query]) => {
      const rows = await databases.rows<{ what: string }>('ledger', `${query} limit 100`);
      return rows.map(({ what }) => ({ rule, what }));
    }),
  );
  return found.flat();
}
