import { ID_KEY, type KeyColumn } from '@payflow/database';

/** A view that its owner's state can be brought into. */
export interface RebuiltView {
  readonly table: string;
  /** What a thing is told apart by. */
  readonly key: KeyColumn;
  /** What the owner tells: these are made as it says. */
  readonly columns: readonly string[];
  /** Of those, the ones that are JSON. */
  readonly json: readonly string[];
  /** Told, but not compared: when something was touched last is no state of it. */
  readonly uncompared: readonly string[];
  /** Set where the row is missing, and left as it is otherwise: what our own acceptance knows better. By column, the expression over `s`. */
  readonly onlyNew: Readonly<Record<string, string>>;
  /** The column by which a greater state is told from a smaller one, and the least that it can be. None where nothing ever changes. */
  readonly guard: { readonly column: string; readonly least: number } | undefined;
  /** Whose writes would be answered by an event that is still to come, and must find the view as it was before. */
  readonly awaited: readonly string[];
}

const view = (
  table: string,
  columns: readonly string[],
  more: Partial<Omit<RebuiltView, 'table' | 'columns'>> = {},
): RebuiltView => ({
  ...{ table, key: ID_KEY, columns, json: [], uncompared: ['updated_at'], onlyNew: {}, awaited: ['id'] },
  guard: { column: 'version', least: 0 },
  ...more,
});

// Who defines or decides something is answered by the event itself, whatever the view says by then.
const BY_EVENT = { uncompared: [], awaited: [] };

/** What an event tells whole. */
const contentView = (table: string): RebuiltView =>
  view(table, ['version', 'label', 'content', 'created_at'], {
    ...BY_EVENT,
    json: ['content'],
    guard: { column: 'version', least: 1 },
  });

/** In the order in which they can be built from nothing: payments count what was asked of them, holds look up their transfers. */
export const REBUILT_VIEWS = {
  accounts: view(
    'account_views',
    [
      ...['status', 'path', 'asset', 'kind', 'overdraft', 'overdraft_limit_minor', 'posted_debits_minor'],
      ...['posted_credits_minor', 'pending_debits_minor', 'pending_credits_minor', 'metadata', 'version'],
      ...['terms_version', 'created_at', 'updated_at'],
    ],
    { json: ['metadata'], uncompared: ['updated_at', 'terms_version'] },
  ),
  operations: view(
    'payment_operation_views',
    [
      ...['payment_id', 'kind', 'status', 'amount_minor', 'asset', 'failure_code', 'reason', 'metadata', 'version'],
      ...['source_account_id', 'destination_account_id', 'created_at', 'updated_at'],
    ],
    { json: ['metadata'] },
  ),
  payments: view(
    'payment_views',
    [
      ...['status', 'version', 'amount_minor', 'amount_captured_minor', 'amount_refunded_minor', 'asset'],
      ...['source_account_id', 'destination_account_id', 'method', 'reference', 'metadata', 'failure_code'],
      ...['failure_reason', 'created_at', 'updated_at', 'capture', 'amount_authorized_minor', 'next_action'],
      ...['authorized_until', 'customer_id', 'retry_of_id', 'division'],
    ],
    {
      json: ['method', 'metadata', 'next_action', 'division'],
      // Its creation, and each wish since, took a number.
      onlyNew: {
        sequence: `1 + (select count(*) from payment_operation_views o where o.tenant_id = s.tenant_id and o.livemode = s.livemode
          and o.payment_id = s.id)::integer`,
      },
    },
  ),
  disputes: view('dispute_views', [
    ...['payment_id', 'connector', 'provider_reference', 'status', 'leg', 'leg_reason', 'amount_minor'],
    ...['amount_disputed_minor', 'asset', 'reason', 'source_account_id', 'destination_account_id', 'evidence_due_by'],
    ...['evidence_submitted_at', 'transfer_id', 'return_transfer_id', 'version', 'created_at', 'updated_at'],
  ]),
  // Its version is ours, and moves with each repair: an ETag must not stand for two contents.
  transfers: view(
    'transfer_views',
    [
      ...[
        'status',
        'debit_account_id',
        'credit_account_id',
        'amount_minor',
        'asset',
        'group_id',
        'position',
        'payment_id',
      ],
      ...[
        'hold_id',
        'reverses_id',
        'corrects_id',
        'effective_at',
        'recorded_at',
        'metadata',
        'metadata_version',
        'type',
      ],
      ...['rate_numerator', 'rate_denominator', 'failure_code', 'failure_leg'],
    ],
    {
      json: ['metadata'],
      uncompared: [],
      onlyNew: { version: 's.metadata_version', created_at: 's.recorded_at' },
      guard: { column: 'metadata_version', least: 1 },
      awaited: ['id', 'group_id'],
    },
  ),
  groups: view(
    'transfer_group_views',
    [
      ...['status', 'effective_at', 'metadata', 'recorded_at', 'rate_numerator', 'rate_denominator'],
      ...['failure_code', 'failure_leg', 'version'],
    ],
    { json: ['metadata'], uncompared: [], onlyNew: { created_at: 's.recorded_at' } },
  ),
  holds: view(
    'hold_views',
    [
      ...['status', 'debit_account_id', 'credit_account_id', 'amount_minor', 'posted_minor', 'asset', 'expires_at'],
      ...['payment_id', 'type', 'failure_code', 'version', 'updated_at'],
    ],
    {
      onlyNew: {
        created_at: 's.created_at',
        transfer_id: `(select l.id from transfer_views l where l.tenant_id = s.tenant_id and l.livemode = s.livemode and l.hold_id = s.id
          order by l.created_at desc, l.id desc limit 1)`,
      },
    },
  ),
  types: view('transaction_type_views', ['version', 'debit', 'credit', 'template', 'defined_at'], {
    ...BY_EVENT,
    key: { column: 'name', type: 'text' },
    json: ['debit', 'credit', 'template'],
    guard: { column: 'version', least: 1 },
  }),
  units: view('unit_views', ['scale', 'name', 'created_at'], {
    ...BY_EVENT,
    key: { column: 'code', type: 'text' },
    guard: undefined,
  }),
  limits: contentView('limit_views'),
  rules: contentView('risk_rule_views'),
  reviews: contentView('review_views'),
} as const satisfies Readonly<Record<string, RebuiltView>>;

export type RebuiltName = keyof typeof REBUILT_VIEWS;
