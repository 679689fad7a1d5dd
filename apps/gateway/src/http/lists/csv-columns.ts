/** The columns of each resource as CSV, in the order of the documentation. `failure.code` is the member `code` of `failure`. */
export const CSV_COLUMNS = {
  Payment: [
    ...['id', 'status', 'amount', 'asset', 'amount_authorized', 'amount_captured', 'amount_refunded'],
    ...['source', 'destination', 'method.type', 'breakdown', 'type', 'capture', 'next_action', 'authorized_until'],
    ...['failure.code', 'failure.reason', 'customer', 'retry_of', 'reference', 'metadata', 'livemode', 'version'],
    ...['trace_id', 'created_at', 'updated_at'],
  ],
  Account: [
    ...['id', 'status', 'path', 'asset', 'kind', 'overdraft', 'overdraft_limit', 'balance', 'available'],
    ...['posted_debits', 'posted_credits', 'pending_debits', 'pending_credits', 'metadata', 'livemode', 'version'],
    ...['created_at', 'updated_at'],
  ],
  Transfer: [
    ...['id', 'kind', 'status', 'debit_account', 'credit_account', 'amount', 'asset', 'group', 'payment', 'hold'],
    ...['reverses', 'reversed', 'type', 'corrects', 'corrected_by', 'effective_at', 'rate.numerator'],
    ...['rate.denominator', 'failure.code', 'failure.leg', 'metadata', 'livemode', 'trace_id', 'created_at'],
    'recorded_at',
  ],
  Conversion: [
    ...['id', 'status', 'source', 'source_liquidity', 'source_asset', 'source_amount', 'destination'],
    ...['destination_liquidity', 'destination_asset', 'destination_amount', 'rate.numerator', 'rate.denominator'],
    ...['transfers', 'failure.code', 'failure.leg', 'metadata', 'livemode', 'trace_id', 'created_at', 'recorded_at'],
  ],
  Hold: [
    ...['id', 'status', 'debit_account', 'credit_account', 'amount', 'posted', 'asset', 'expires_at', 'payment'],
    ...['type', 'transfer', 'failure.code', 'livemode', 'version', 'trace_id', 'created_at', 'updated_at'],
  ],
  Refund: [
    ...['id', 'payment', 'status', 'amount', 'asset', 'failure.code', 'reason', 'metadata', 'livemode', 'version'],
    ...['trace_id', 'created_at', 'updated_at'],
  ],
  Dispute: [
    ...['id', 'status', 'payment', 'amount', 'asset', 'amount_disputed', 'reason', 'connector', 'provider_reference'],
    ...['evidence_due_by', 'evidence_submitted_at', 'leg', 'leg_reason', 'source', 'destination', 'transfer'],
    ...['return_transfer', 'livemode', 'version', 'trace_id', 'created_at', 'updated_at'],
  ],
  Transaction: [
    ...['id', 'type', 'status', 'direction', 'amount', 'asset', 'account', 'counterparty', 'description', 'payment'],
    ...['reference', 'failure.code', 'livemode', 'created_at'],
  ],
  Limit: [
    ...['id', 'version', 'kind', 'scope', 'customer', 'method', 'asset', 'amount', 'count', 'minutes', 'enabled'],
    ...['defined_at', 'deleted_at'],
  ],
  RiskRule: ['id', 'version', 'priority', 'verdict', 'reason', 'conditions', 'enabled', 'defined_at', 'deleted_at'],
  Review: [
    ...['id', 'payment', 'status', 'rule', 'reason', 'amount', 'asset', 'source', 'destination', 'method.type'],
    ...['customer', 'opened_at', 'expires_at', 'decided_at', 'decided_by', 'decision_reason', 'version'],
  ],
  TransferBulkResult: ['index', 'id', 'status', 'amount', 'error'],
  Asset: ['code', 'scale', 'kind', 'name', 'table_date', 'created_at'],
  TransactionType: ['id', 'version', 'debit', 'credit', 'template', 'defined_at'],
  Period: ['id', 'status', 'ends_at', 'closing_at', 'closed_at', 'hash'],
  Attempt: [
    ...['id', 'payment', 'operation', 'action', 'status', 'number', 'amount', 'asset', 'connector', 'routing'],
    ...['code', 'provider_reference', 'inquiries', 'needs_attention', 'evidence', 'sent_at', 'unknown_at'],
    ...['created_at', 'updated_at'],
  ],
  User: ['id', 'email', 'name', 'role', 'status', 'invitation_expires_at', 'disabled_at', 'version', 'created_at'],
  Session: [
    ...['id', 'user', 'livemode', 'current', 'address', 'user_agent', 'created_at', 'renewed_at', 'expires_at'],
    ...['ended_at', 'end_reason'],
  ],
  ApiKey: [
    ...['id', 'name', 'livemode', 'scopes', 'allowed_addresses', 'status', 'expires_at', 'revoked_at', 'replaces'],
    ...['created_by', 'last_used_at', 'request_count', 'version', 'created_at', 'api_version'],
  ],
  AuditEntry: [
    ...['id', 'actor', 'actor_kind', 'operation', 'resource', 'before', 'after', 'address', 'request_id', 'trace_id'],
    ...['livemode', 'created_at'],
  ],
  LoggedRequest: [
    ...['id', 'method', 'route', 'status', 'code', 'duration_ms', 'request_bytes', 'response_bytes', 'actor'],
    ...['address', 'request_id', 'trace_id', 'created_at'],
  ],
  Block: [
    ...[
      'id',
      'subject',
      'status',
      'suspicion',
      'count',
      'level',
      'created_at',
      'blocked_until',
      'lifted_at',
      'lifted_by',
    ],
    'lift_reason',
  ],
  AccountTransfer: [
    ...['id', 'kind', 'status', 'debit_account', 'credit_account', 'amount', 'asset', 'payment', 'group', 'hold'],
    ...['reverses', 'type', 'metadata', 'effective_at', 'recorded_at'],
  ],
  MetadataVersion: ['version', 'metadata', 'actor', 'recorded_at'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
