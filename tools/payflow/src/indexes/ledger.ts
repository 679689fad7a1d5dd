import { statementNamed } from '@payflow/database';
import '@payflow/ledger/statements';
import {
  CREDIT,
  DEBIT,
  MANY_OWNERS,
  OWNED,
  OWNER,
  TEST_CLOCKS,
  uuid,
  uuidOf,
  type IndexRegistry,
  type IndexUse,
} from './index-use.js';

const ACCOUNT = [...OWNER, uuid(7)];
const IN_INDEX_ORDER = statementNamed('reads.in-index-order');
const HISTORY = ["'infinity'", "'infinity'", '0', '0', '51', "'infinity'", "'-infinity'", '0', '9223372036854775807'];
const LINES = ["'-infinity'", "'-infinity'", '-1', '-1', '51', "'infinity'", 'now()', "'{}'"];

const page = (index: string, query: string, values: readonly string[]): IndexUse => ({
  index,
  query,
  values: [...ACCOUNT, ...values],
  before: IN_INDEX_ORDER,
});

export const ledger: IndexRegistry = {
  uses: [
    { index: 'accounts_one_per_path', query: 'reads.totals-of-subtree', values: [...OWNER, "'p:77'"] },
    { index: 'holds_by_expiry', query: 'holds.take-expired', values: ['1000', '100'] },
    { index: 'holds_of_test_by_expiry', query: 'holds.take-expired-of-test', values: ['1000', '100'] },
    { index: 'holds_pending_by_debit', query: 'invariant.ledger.I3.running', values: [] },
    { index: 'periods_closing', query: 'periods.see', values: [] },
    { index: 'reversals_by_correction', query: 'reads.transfer', values: [...OWNER, uuid(7)] },
    { index: 'seals_by_start', query: 'proof.link', values: [...OWNER, uuid(7)] },
    page('transfers_by_debit', 'reads.history', HISTORY),
    page('transfers_by_credit', 'reads.history', HISTORY),
    page('transfers_effective_by_debit', 'reads.lines-effective', LINES),
    page('transfers_effective_by_credit', 'reads.lines-effective', LINES),
    { index: 'transfers_by_group', query: 'invariant.ledger.I6.running', values: [] },
    { index: 'transfers_by_xact', query: 'seals.links', values: ["'1000'", "'1100'"] },
    { index: 'verdicts_by_xact', query: 'invariant.ledger.I18.running', values: [] },
  ],
  seeds: {
    accounts: {
      ...OWNED,
      id: uuidOf('n'),
      path: "'p:' || n / 100 || ':' || n",
      overdraft: "'unbounded'",
      kind: "'liability'",
    },
    holds: {
      ...MANY_OWNERS,
      id: uuidOf('n'),
      debit_account_id: DEBIT,
      credit_account_id: CREDIT,
      status: "case when n % 1000 < 100 then 'pending' else 'posted' end",
      expires_at: "now() + case when n % 1000 = 0 then -1 else 1 end * interval '1 hour'",
      expiry_asked_at: 'null',
    },
    // All of it was sent long ago, the last by the newest transaction: a check looks at what came after.
    outbox: {
      created_at: "date_trunc('day', now(), 'UTC') + n * interval '1 millisecond'",
      id: uuidOf('n'),
      message_count: '1',
      published_at: 'now()',
      xact_id: '(n * 10)::text::xid8',
    },
    periods: {
      ...OWNED,
      month: 'n::text',
      after_month: '(n - 1)::text',
      status: "case when n % 1000 = 0 then 'closing' else 'closed' end",
    },
    reversals: {
      ...OWNED,
      transfer_id: uuidOf('n'),
      corrected_by_id: `case when n % 2 = 0 then ${uuidOf('n + 1')} end`,
    },
    seals: { seal: 'n', from_xact: '(n * 10)::text::xid8', to_xact: '(n * 10 + 10)::text::xid8' },
    test_clocks: TEST_CLOCKS,
    transfers: {
      ...OWNED,
      id: uuidOf('n'),
      recorded_at: "date_trunc('month', now(), 'UTC') - interval '20 days' + n * interval '2592000 seconds' / $rows",
      debit_account_id: DEBIT,
      credit_account_id: CREDIT,
      group_id: `case when n % 20 = 0 then ${uuidOf('n')} end`,
      effective_at: `case when n % 20 = 1 then date_trunc('month', now(), 'UTC') - interval '20 days' end`,
      xact_id: '(n * 10)::text::xid8',
      chain: 'n % 2',
      chain_position: 'n',
    },
    verdicts: {
      ...OWNED,
      kind: "case when n % 20 = 0 then 'group' else 'transfer' end",
      id: uuidOf('n'),
      event_id: uuidOf('n'),
      event_type: "case when n % 20 = 0 then 'payflow.group.posted.v1' else 'payflow.transfer.posted.v1' end",
      event_data: `'{"legs":[{}]}'`,
      xact_id: '(n * 10)::text::xid8',
    },
  },
};
