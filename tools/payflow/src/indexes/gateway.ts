import { fromUuid } from '@payflow/contracts';
import {
  AUDIT_LISTS,
  ACCOUNT_LISTS,
  CONVERSION_LISTS,
  DISPUTE_LISTS,
  HOLD_LISTS,
  OPERATION_LISTS,
  PAYMENT_LISTS,
  PLANNED_FOR_VALUES,
  REQUEST_LISTS,
  REVIEW_VIEWS,
  TRANSFER_LISTS,
} from '@payflow/gateway/statements';
import {
  CREDIT,
  DEBIT,
  OWNED,
  OWNER,
  TIME,
  arrays,
  uuid,
  uuidOf,
  type IndexRegistry,
  type IndexUse,
} from './index-use.js';

const PAGE = 51;
const id = (kind: 'account' | 'hold' | 'group' | 'payment', at: number): string =>
  fromUuid(kind, uuid(at).slice(1, 37));

type Lists =
  | typeof AUDIT_LISTS
  | typeof ACCOUNT_LISTS
  | typeof REVIEW_VIEWS.lists
  | (typeof OPERATION_LISTS)['refund']
  | typeof CONVERSION_LISTS
  | typeof DISPUTE_LISTS
  | typeof PAYMENT_LISTS
  | typeof HOLD_LISTS
  | typeof REQUEST_LISTS
  | typeof TRANSFER_LISTS;

/** A list with one filter: its first page, as a client asks for it. */
function list(lists: Lists, index: string, filter: object, before?: IndexUse['before']): IndexUse {
  const owner = { tenant: fromUuid('tenant', uuid(0).slice(1, 37)), livemode: false };
  const page = { filter, after: undefined, limit: PAGE };
  const [{ name }, values] = (lists as typeof PAYMENT_LISTS).of(owner, page as never, (one) => one);
  const uses = { index, query: name, values: values.map((value) => `'${String(value)}'`) };
  return before ? { ...uses, before } : uses;
}

/** The first page of an account's history. */
function history(index: string): IndexUse {
  const from = ["'infinity'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "''"];
  const values = [...OWNER, `array[${uuid(7)}]`, ...from, "'-infinity'", "'infinity'", 'null', `${PAGE}`];
  return { index, query: 'history.list', values };
}

export const gateway: IndexRegistry = {
  uses: [
    { index: 'access_blocks_by_end', query: 'access-blocks.held', values: ['100'] },
    {
      index: 'access_blocks_by_subject',
      query: 'access-blocks.place',
      values: [
        ...arrays(uuid(7), "'address'", "'s7'", "'not_found_burst'", '1', uuid(8), uuid(0), 'null::boolean'),
        'array[60000]::bigint[]',
      ],
    },
    {
      index: 'access_blocks_by_organisation',
      query: 'own-blocks.list',
      values: [...OWNER, ...Array<string>(8).fill('null'), `${PAGE}`],
    },
    list(REQUEST_LISTS, 'request_log_by_request_id', { requestId: 'req_7' }),
    list(ACCOUNT_LISTS, 'account_views_by_time', {}),
    list(ACCOUNT_LISTS, 'account_views_by_path', { path: 'p:70' }),
    list(ACCOUNT_LISTS, 'account_views_by_metadata', { metadata: '{"order":"400"}' }, PLANNED_FOR_VALUES),
    list(PAYMENT_LISTS, 'payment_views_by_customer', { customer: fromUuid('customer', uuid(7).slice(1, 37)) }),
    list(PAYMENT_LISTS, 'payment_views_by_metadata', { metadata: '{"order":"400"}' }, PLANNED_FOR_VALUES),
    list(HOLD_LISTS, 'hold_views_by_payment', { payment: id('payment', 7) }),
    { index: 'idempotency_records_by_age', query: 'idempotency.prune', values: ['30', '1000', "'-infinity'"] },
    {
      index: 'idempotency_records_by_client_id',
      query: 'idempotency.find-firsts',
      values: arrays(OWNER[0], OWNER[1], '0', "'transfer'", uuid(100)),
    },
    {
      index: 'pending_writes_by_command',
      query: 'pending-writes.take-answered',
      values: arrays(OWNER[0], OWNER[1], uuid(7)),
    },
    list(PAYMENT_LISTS, 'payment_views_by_time', {}),
    list(PAYMENT_LISTS, 'payment_views_by_source', { source: id('account', 7) }),
    list(PAYMENT_LISTS, 'payment_views_by_destination', { destination: id('account', 7) }),
    list(PAYMENT_LISTS, 'payment_views_by_reference', { reference: 'r70' }),
    list(REVIEW_VIEWS.lists, 'review_views_by_time', {}),
    list(REVIEW_VIEWS.lists, 'review_views_by_status', { label: 'open' }),
    list(OPERATION_LISTS.refund, 'payment_operation_views_by_time', {}),
    list(OPERATION_LISTS.refund, 'payment_operation_views_by_payment', { payment: id('payment', 7) }),
    {
      index: 'payment_operation_views_by_payment',
      query: 'payment-operation-views.find-of-payments',
      values: [...OWNER, `array[${uuid(7)}]`, "array['refund', 'capture']"],
    },
    list(HOLD_LISTS, 'hold_views_by_time', {}),
    list(HOLD_LISTS, 'hold_views_by_debit', { account: id('account', 7) }),
    list(HOLD_LISTS, 'hold_views_by_credit', { account: id('account', 7) }),
    list(HOLD_LISTS, 'hold_views_by_type', { type: 'type4' }),
    list(CONVERSION_LISTS, 'transfer_group_views_conversions', {}),
    list(CONVERSION_LISTS, 'transfer_views_conversions_by_debit', { account: id('account', 7) }),
    list(CONVERSION_LISTS, 'transfer_views_conversions_by_credit', { account: id('account', 7) }),
    list(TRANSFER_LISTS, 'transfer_views_by_time', {}),
    list(TRANSFER_LISTS, 'transfer_views_by_debit', { account: id('account', 7) }),
    list(TRANSFER_LISTS, 'transfer_views_by_credit', { account: id('account', 7) }),
    list(TRANSFER_LISTS, 'transfer_views_by_hold', { hold: id('hold', 51) }),
    list(TRANSFER_LISTS, 'transfer_views_by_kind', { kind: 'reversal' }),
    list(TRANSFER_LISTS, 'transfer_views_by_type', { type: 'type4' }),
    list(TRANSFER_LISTS, 'transfer_views_by_metadata', { metadata: '{"order":"400"}' }, PLANNED_FOR_VALUES),
    list(DISPUTE_LISTS, 'dispute_views_by_time', {}),
    list(DISPUTE_LISTS, 'dispute_views_by_payment', { payment: fromUuid('payment', uuid(7).slice(1, 37)) }),
    list(DISPUTE_LISTS, 'dispute_views_by_status', { status: 'needs_response' }),
    {
      index: 'sessions_by_user',
      query: 'sessions.list',
      values: [OWNER[0], uuid(7), 'null', String(PAGE)],
    },
    { index: 'sessions_by_end', query: 'sessions.prune', values: ['30', '1000'] },
    { index: 'session_tokens_by_session', query: 'session-tokens.live', values: [OWNER[0], uuid(7)] },
    { index: 'session_tokens_by_end', query: 'session-tokens.prune', values: ['1000'] },
    { index: 'login_failures_by_age', query: 'login-failures.prune', values: ['1000'] },
    list(AUDIT_LISTS, 'audit_log_by_time', {}),
    list(AUDIT_LISTS, 'audit_log_by_actor', { actor: 'key_7' }),
    list(AUDIT_LISTS, 'audit_log_by_operation', { operation: 'operation7' }),
    list(AUDIT_LISTS, 'audit_log_by_resource', { resource: 'lim_7' }),
    ...['payment_operation_views', 'dispute_views'].flatMap((table) =>
      ['source', 'destination'].map((side) => history(`${table}_by_${side}`)),
    ),
    {
      index: 'dispute_views_by_reference',
      query: 'search.find',
      values: [...OWNER, 'null', 'null', "'dp70'", "array['dispute']"],
    },
    ...['transfer_id', 'return_transfer_id'].map((moved) => ({
      index: `dispute_views_by_${moved}`,
      query: 'payment-views.find-by-transfer',
      values: [...OWNER, uuid(7)],
    })),
    { index: 'provider_webhooks_by_age', query: 'provider-webhooks.prune', values: ['30', '1000'] },
    { index: 'transfer_views_by_group', query: 'transfer-group-views.find', values: [...OWNER, uuid(20)] },
    {
      index: 'transfer_views_by_payment',
      query: 'transfer-views.find-of-payments',
      values: [...OWNER, `array[${uuid(7)}]`],
    },
    { index: 'transfer_views_by_reversed', query: 'transfer-views.find', values: [...OWNER, uuid(7)] },
    { index: 'transfer_views_by_corrected', query: 'transfer-views.find', values: [...OWNER, uuid(7)] },
  ],
  seeds: {
    access_blocks: {
      tenant_id: `case when n % 1000 = 7 then ${OWNER[0]} else '00000000-0000-0000-0000-000000000000' end`,
      id: uuidOf('n'),
      kind: "'address'",
      subject: "'s' || n",
      blocked_at: 'now()',
      blocked_until: "now() + ($rows / 2 - n) * interval '1 hour'",
    },
    request_log: { ...OWNED, id: uuidOf('n'), request_id: "'req_' || n", created_at: 'now()' },
    review_views: {
      ...OWNED,
      id: uuidOf('n'),
      label: "case when n % 1000 = 0 then 'open' else 'approved' end",
      created_at: TIME,
    },
    account_views: {
      ...OWNED,
      id: uuidOf('n'),
      path: "'p:' || n",
      metadata: `case when n % 100 = 0 then json_build_object('order', n::text) else '{}'::json end`,
      created_at: TIME,
    },
    idempotency_records: {
      ...OWNED,
      created_at: "now() - interval '6 days' - ($rows - n) * interval '3 seconds'",
      reply_status: '200',
      resource_kind: "'transfer'",
      resource_id: uuidOf('n'),
      content_hash: "case when n % 100 = 0 then decode(repeat('00', 32), 'hex') end",
    },
    pending_writes: {
      ...OWNED,
      resource_id: uuidOf('n'),
      resource_kind: "'payment'",
      command_id: uuidOf('n'),
      accepted_at: TIME,
    },
    dispute_views: {
      ...OWNED,
      id: uuidOf('n'),
      payment_id: uuidOf('n'),
      provider_reference: "'dp' || n",
      source_account_id: DEBIT,
      destination_account_id: CREDIT,
      status: "case when n % 1000 = 0 then 'needs_response' else 'lost' end",
      created_at: TIME,
    },
    sessions: {
      ...OWNED,
      id: uuidOf('n'),
      user_id: uuidOf('n % 1000'),
      expires_at: "now() - interval '31 days' + n * interval '1 minute'",
      ended_at: 'null',
      end_reason: 'null',
    },
    session_tokens: {
      hash: "decode(lpad(to_hex(n), 64, '0'), 'hex')",
      tenant_id: OWNER[0],
      session_id: uuidOf('n % ($rows / 10)'),
      kind: "case when n % 2 = 0 then 'access' else 'refresh' end",
      expires_at: "now() - interval '2 days' + n * interval '1 minute'",
    },
    login_failures: {
      subject: "lpad(to_hex(n), 64, '0')",
      last_failed_at: "now() - interval '3 days' + n * interval '1 minute'",
    },
    audit_log: {
      ...OWNED,
      id: uuidOf('n'),
      actor: "'key_' || n % 1000",
      actor_kind: "'key'",
      operation: "'operation' || n % 1000",
      resource: "'lim_' || n % 1000",
      created_at: "now() - ($rows - n) * interval '1 millisecond'",
    },
    provider_webhooks: { webhook_id: 'n', received_at: TIME },
    payment_views: {
      ...OWNED,
      id: uuidOf('n'),
      source_account_id: DEBIT,
      destination_account_id: CREDIT,
      reference: "case when n % 10 = 0 then 'r' || n end",
      customer_id: `case when n % 10 = 7 then ${uuidOf('n % 1000')} end`,
      metadata: `case when n % 100 = 0 then json_build_object('order', n::text) else '{}'::json end`,
      created_at: TIME,
    },
    payment_operation_views: {
      ...OWNED,
      id: uuidOf('n'),
      payment_id: uuidOf('n % 1000'),
      source_account_id: DEBIT,
      destination_account_id: CREDIT,
      kind: "case when n % 2 = 0 then 'refund' else 'capture' end",
      created_at: TIME,
    },
    hold_views: {
      ...OWNED,
      id: uuidOf('n'),
      debit_account_id: DEBIT,
      credit_account_id: CREDIT,
      type: "case when n % 100 = 4 then 'type' || n % 1000 end",
      payment_id: `case when n % 10 = 7 then ${uuidOf('n')} end`,
      created_at: TIME,
    },
    transfer_group_views: {
      ...OWNED,
      id: uuidOf('n'),
      status: "'posted'",
      rate_numerator: 'case when n % 100 = 20 then 1 end',
      created_at: TIME,
    },
    transfer_views: {
      ...OWNED,
      id: uuidOf('n'),
      status: "'posted'",
      debit_account_id: DEBIT,
      credit_account_id: CREDIT,
      rate_numerator: 'case when n % 100 = 20 then 1 end',
      group_id: `case when n % 20 = 0 then ${uuidOf('n - n % 100 + 20')} end`,
      position: 'case when n % 20 = 0 then n % 100 / 20 end',
      hold_id: `case when n % 50 = 1 then ${uuidOf('n')} end`,
      reverses_id: `case when n % 50 = 2 then ${uuidOf('n - 1')} end`,
      corrects_id: `case when n % 50 = 3 then ${uuidOf('n - 1')} end`,
      type: "case when n % 100 = 4 then 'type' || n % 1000 end",
      metadata: `case when n % 100 = 0 then json_build_object('order', n::text) else '{}'::json end`,
      created_at: TIME,
    },
  },
};
