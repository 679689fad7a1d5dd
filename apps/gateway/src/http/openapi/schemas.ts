import {
  ACCOUNT_KINDS,
  ACCOUNT_STATES,
  idPattern,
  MONTH_PATTERN,
  TRANSFER_KINDS,
  TYPE_NAME_PATTERN,
  type IdKind,
} from '@payflow/contracts';
import { BULK_MODES } from '../../domain/bulk.js';
import { ACCOUNT_UPDATE_REQUEST_SCHEMA } from '../account-update.request.js';
import { ASSET_REQUEST_SCHEMA } from '../asset.request.js';
import { CONVERSION_REQUEST_SCHEMA } from '../conversion.request.js';
import { BULK_REQUEST_SCHEMA } from '../bulk.request.js';
import { HOLD_POST_REQUEST_SCHEMA, HOLD_REQUEST_SCHEMA, HOLD_VOID_REQUEST_SCHEMA } from '../hold.request.js';
import { PAYMENT_REQUEST_SCHEMA } from '../payment.request.js';
import { PERIOD_CLOSE_REQUEST_SCHEMA } from '../period.request.js';
import { CORRECTION_REQUEST_SCHEMA } from '../correction.request.js';
import { METADATA_SCHEMA } from '../request-body.js';
import { REVERSAL_REQUEST_SCHEMA } from '../reversal.request.js';
import { TRANSFER_TEMPLATE_REQUEST_SCHEMA } from '../template.request.js';
import { TRANSACTION_TYPE_REQUEST_SCHEMA } from '../transaction-type.request.js';
import { TRANSFER_UPDATE_REQUEST_SCHEMA } from '../transfer-update.request.js';
import { TRANSFER_GROUP_REQUEST_SCHEMA, TRANSFER_REQUEST_SCHEMA } from '../transfer.request.js';

const id = (kind: IdKind) => ({ type: 'string', pattern: idPattern(kind) });
const amount = { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$', description: 'Minor units, as digits.' };
const signedAmount = {
  type: 'string',
  pattern: '^-?(0|[1-9][0-9]{0,18})$',
  description: 'Minor units; negative where the overdraft allows it.',
};
const instant = { type: 'string', format: 'date-time' };
const nullableText = { type: ['string', 'null'] };
const version = { type: 'integer', minimum: 0 };
const assetCode = { type: 'string', examples: ['USD'] };
const overdraft = { enum: ['none', 'limited', 'unbounded'] };
const kind = { enum: ACCOUNT_KINDS };
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
const transferFailure = nullable(resource({ code: { type: 'string' }, leg: { type: ['integer', 'null'] } }));
const rate = resource({ numerator: amount, denominator: amount });
const rateOrNone = {
  ...nullable(rate),
  description: "Of a conversion: minor units of the second transfer's asset for minor units of the first's.",
};
const transferStatus = { enum: ['pending', 'posted', 'failed'] };

function resource(properties: Record<string, object>): object {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** A body that may also only ask what would come of it. */
function orDryRun<S extends { readonly properties: object }>(schema: S): object {
  const dry_run = {
    type: 'boolean',
    description: 'True: only what would come of it is told; no Idempotency-Key is needed.',
  };
  return { ...schema, properties: { ...schema.properties, dry_run } };
}

const fieldProblem = resource({ pointer: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } });
const basis = { enum: ['recorded', 'effective'] };
const completeUntil = { ...instant, description: 'No transaction still open can add anything before it.' };
const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const count = { type: 'integer', minimum: 0 };
const place = { index: count, size: count, path: { type: 'array', items: hash } };
const posted = { posted_debits: amount, posted_credits: amount };
const kindTotal = { asset: assetCode, kind, accounts: count, ...posted, balance: signedAmount };

/** Sums over accounts may pass what one counter can hold. */
const sum = { type: 'string', pattern: '^(0|[1-9][0-9]{0,37})$', description: 'Minor units, as digits.' };
const period = {
  id: { type: 'string', pattern: MONTH_PATTERN, description: 'A month of UTC.' },
  object: { const: 'period' },
  status: {
    enum: ['requested', 'closing', 'closed'],
    description: '`closing` bars the month; `closed` has its figures.',
  },
  ends_at: { ...nullable(instant), description: 'The first instant after it.' },
  closing_at: nullable(instant),
  closed_at: nullable(instant),
  hash: { ...nullable(hash), description: 'Over the hash of the period before and the figures.' },
};

const text = { type: 'string' };
const accountPatterns = nullable({
  type: 'array',
  items: resource({ path: nullableText, kind: nullable(kind) }),
});

function list(item: string): object {
  return resource({
    data: { type: 'array', items: { $ref: `#/components/schemas/${item}` } },
    next_cursor: nullableText,
  });
}

/** JSON Schemas (2020-12, as OpenAPI 3.1 uses them) of everything the API takes and gives. */
export const SCHEMAS: Readonly<Record<string, object>> = {
  PaymentRequest: PAYMENT_REQUEST_SCHEMA,
  Payment: resource({
    id: id('payment'),
    object: { const: 'payment' },
    status: { enum: ['pending', 'processing', 'succeeded', 'failed'] },
    amount,
    asset: assetCode,
    amount_captured: amount,
    amount_refunded: amount,
    source: id('account'),
    destination: id('account'),
    method: resource({ type: { const: 'internal' } }),
    failure: nullable(resource({ code: { type: 'string' } })),
    reference: nullableText,
    metadata: METADATA_SCHEMA,
    livemode: { type: 'boolean' },
    version,
    trace_id: nullableText,
    created_at: instant,
    updated_at: instant,
  }),
  PaymentList: list('Payment'),
  AccountRequest: {
    type: 'object',
    required: ['asset'],
    additionalProperties: false,
    properties: {
      id: id('account'),
      path: { type: ['string', 'null'], minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
      asset: assetCode,
      kind: { ...kind, default: 'liability' },
      overdraft: { ...overdraft, default: 'none' },
      overdraft_limit: { ...amount, description: 'Minor units, as digits. With the overdraft `limited`.' },
      metadata: METADATA_SCHEMA,
    },
  },
  AccountUpdateRequest: ACCOUNT_UPDATE_REQUEST_SCHEMA,
  Account: resource({
    id: id('account'),
    object: { const: 'account' },
    status: { enum: ['pending', ...ACCOUNT_STATES] },
    path: nullableText,
    asset: assetCode,
    kind,
    overdraft,
    overdraft_limit: amount,
    balance: signedAmount,
    available: signedAmount,
    posted_debits: amount,
    posted_credits: amount,
    pending_debits: amount,
    pending_credits: amount,
    metadata: METADATA_SCHEMA,
    livemode: { type: 'boolean' },
    version,
    created_at: instant,
    updated_at: instant,
  }),
  TransferRequest: orDryRun(TRANSFER_REQUEST_SCHEMA),
  TransferGroupRequest: orDryRun(TRANSFER_GROUP_REQUEST_SCHEMA),
  TransferOrGroupRequest: {
    oneOf: [ref('TransferRequest'), ref('TransferGroupRequest'), ref('TransferTemplateRequest')],
  },
  TransferTemplateRequest: TRANSFER_TEMPLATE_REQUEST_SCHEMA,
  TransferDryRun: resource({
    object: { const: 'transfer_dry_run' },
    outcome: { enum: ['posted', 'failed'] },
    failure: transferFailure,
    transfers: {
      type: 'array',
      items: resource({
        id: { ...nullable(id('transfer')), description: 'As it was given.' },
        debit_account: id('account'),
        credit_account: id('account'),
        amount: { ...amount, description: 'What would move.' },
        asset: assetCode,
      }),
      description: 'Empty where nothing would move.',
    },
    accounts: {
      type: 'array',
      items: resource({
        id: id('account'),
        posted_debits: amount,
        posted_credits: amount,
        pending_debits: amount,
        pending_credits: amount,
        version,
        asset: assetCode,
        balance: signedAmount,
        available: signedAmount,
      }),
      description: 'As the transfers would leave them.',
    },
    as_of: instant,
  }),
  ReversalRequest: REVERSAL_REQUEST_SCHEMA,
  CorrectionRequest: CORRECTION_REQUEST_SCHEMA,
  TransferUpdateRequest: TRANSFER_UPDATE_REQUEST_SCHEMA,
  Transfer: resource({
    id: id('transfer'),
    object: { const: 'transfer' },
    kind: { enum: TRANSFER_KINDS },
    status: transferStatus,
    debit_account: id('account'),
    credit_account: id('account'),
    amount: { ...amount, description: 'What was asked for; once it is posted, what moved.' },
    asset: assetCode,
    group: nullable(id('group')),
    payment: nullable(id('payment')),
    hold: nullable(id('hold')),
    reverses: nullable(id('transfer')),
    reversed: { ...amount, description: 'How much of it has been moved back.' },
    type: { ...nullableText, description: 'The transaction type that it named.' },
    corrects: { ...nullable(id('transfer')), description: 'The transfer in whose place it stands.' },
    corrected_by: { ...nullable(id('transfer')), description: 'The transfer that stands in its place.' },
    effective_at: nullable(instant),
    rate: rateOrNone,
    failure: transferFailure,
    metadata: METADATA_SCHEMA,
    livemode: { type: 'boolean' },
    trace_id: nullableText,
    created_at: instant,
    recorded_at: nullable(instant),
  }),
  TransferList: list('Transfer'),
  TransferGroup: resource({
    id: id('group'),
    object: { const: 'transfer_group' },
    status: transferStatus,
    transfers: { type: 'array', items: ref('Transfer') },
    rate: rateOrNone,
    effective_at: nullable(instant),
    failure: transferFailure,
    metadata: METADATA_SCHEMA,
    livemode: { type: 'boolean' },
    trace_id: nullableText,
    created_at: instant,
    recorded_at: nullable(instant),
  }),
  TransferOrGroup: { oneOf: [ref('Transfer'), ref('TransferGroup')] },
  ConversionRequest: CONVERSION_REQUEST_SCHEMA,
  Conversion: resource({
    id: id('group'),
    object: { const: 'conversion' },
    status: transferStatus,
    source: id('account'),
    source_liquidity: id('account'),
    source_asset: assetCode,
    source_amount: amount,
    destination: id('account'),
    destination_liquidity: id('account'),
    destination_asset: assetCode,
    destination_amount: { ...amount, description: 'What the rate makes of the amount, in whole minor units.' },
    rate,
    transfers: { type: 'array', items: id('transfer'), minItems: 2, maxItems: 2 },
    failure: transferFailure,
    metadata: METADATA_SCHEMA,
    livemode: { type: 'boolean' },
    trace_id: nullableText,
    created_at: instant,
    recorded_at: nullable(instant),
  }),
  TransferBulkRequest: BULK_REQUEST_SCHEMA,
  TransferBulk: resource({
    id: id('bulk'),
    object: { const: 'transfer_bulk' },
    mode: { enum: BULK_MODES },
    status: { enum: ['pending', 'completed'] },
    counts: resource({ total: count, pending: count, posted: count, failed: count, skipped: count, invalid: count }),
    livemode: { type: 'boolean' },
    created_at: instant,
    results: { type: 'array', items: ref('TransferBulkResult'), description: 'One per item, in the order asked.' },
  }),
  TransferBulkResult: resource({
    index: count,
    id: { ...nullable(id('transfer')), description: 'Null where no transfer was made.' },
    status: {
      enum: ['pending', 'posted', 'failed', 'skipped', 'invalid'],
      description: '`invalid` was refused at the door, `skipped` was not tried.',
    },
    amount: { ...nullable(amount), description: 'What was asked for; once it is posted, what moved.' },
    error: nullable({
      type: 'object',
      required: ['code'],
      properties: {
        code: { type: 'string' },
        detail: { type: 'string' },
        errors: { type: 'array', items: fieldProblem },
      },
    }),
  }),
  HoldRequest: HOLD_REQUEST_SCHEMA,
  HoldPostRequest: HOLD_POST_REQUEST_SCHEMA,
  HoldVoidRequest: HOLD_VOID_REQUEST_SCHEMA,
  Hold: resource({
    id: id('hold'),
    object: { const: 'hold' },
    status: {
      enum: ['requested', 'pending', 'posted', 'voided', 'expired', 'failed'],
      description: '`requested` until the money is set aside, `pending` while it is; the others are final.',
    },
    debit_account: id('account'),
    credit_account: id('account'),
    amount,
    posted: { ...amount, description: 'How much of the amount has been posted.' },
    asset: assetCode,
    expires_at: nullable(instant),
    payment: nullable(id('payment')),
    transfer: { ...nullable(id('transfer')), description: 'The transfer of its last posting.' },
    failure: nullable(resource({ code: { type: 'string' } })),
    livemode: { type: 'boolean' },
    version,
    trace_id: nullableText,
    created_at: instant,
    updated_at: instant,
  }),
  HoldList: list('Hold'),
  AssetRequest: ASSET_REQUEST_SCHEMA,
  Asset: resource({
    object: { const: 'asset' },
    code: assetCode,
    scale: { type: 'integer', description: 'Digits after the decimal point.' },
    kind: { enum: ['fiat', 'crypto', 'unit'], description: '`unit`: of your own.' },
    name: nullableText,
    table_date: {
      ...nullable({ type: 'string', format: 'date' }),
      description: 'Of a currency, that of the ISO 4217 table.',
    },
    created_at: nullable(instant),
  }),
  AssetList: list('Asset'),
  AccountBalance: resource({
    object: { const: 'account_balance' },
    account: id('account'),
    asset: assetCode,
    kind,
    basis,
    as_of: instant,
    complete_until: completeUntil,
    ...posted,
    balance: signedAmount,
  }),
  AccountStatement: resource({
    object: { const: 'account_statement' },
    account: id('account'),
    asset: assetCode,
    kind,
    basis,
    from: nullable(instant),
    to: nullable(instant),
    opening_balance: signedAmount,
    closing_balance: signedAmount,
    complete_until: completeUntil,
    lines: {
      type: 'array',
      items: resource({
        transfer: id('transfer'),
        counter_account: id('account'),
        side: { enum: ['debit', 'credit'] },
        amount,
        balance: { ...signedAmount, description: 'The running balance, this line included.' },
        group: nullable(id('group')),
        hold: nullable(id('hold')),
        reverses: nullable(id('transfer')),
        recorded_at: instant,
        effective_at: instant,
      }),
    },
    next_cursor: nullableText,
  }),
  AccountTransfer: resource({
    id: id('transfer'),
    object: { const: 'transfer' },
    kind: { enum: TRANSFER_KINDS },
    status: { const: 'posted' },
    debit_account: id('account'),
    credit_account: id('account'),
    amount,
    asset: assetCode,
    payment: nullable(id('payment')),
    group: nullable(id('group')),
    hold: nullable(id('hold')),
    reverses: nullable(id('transfer')),
    effective_at: instant,
    recorded_at: instant,
  }),
  AccountTransferList: list('AccountTransfer'),
  MetadataVersion: resource({
    object: { const: 'metadata_version' },
    version: { ...version, description: 'Of an account, its own; of a transfer, 1 when it was booked, and then +1.' },
    metadata: METADATA_SCHEMA,
    actor: { ...nullableText, description: 'Who asked for it; null where that was not kept.' },
    recorded_at: instant,
  }),
  MetadataVersionList: list('MetadataVersion'),
  AccountAggregate: resource({
    object: { const: 'account_aggregate' },
    path: { type: 'string' },
    data: {
      type: 'array',
      items: resource({
        asset: assetCode,
        accounts: count,
        ...posted,
        pending_debits: amount,
        pending_credits: amount,
        kinds: {
          type: 'array',
          items: resource({ ...kindTotal, pending_debits: amount, pending_credits: amount }),
        },
      }),
    },
  }),
  TrialBalance: resource({
    object: { const: 'trial_balance' },
    basis,
    as_of: instant,
    complete_until: completeUntil,
    data: { type: 'array', items: resource(kindTotal) },
    totals: { type: 'array', items: resource({ asset: assetCode, ...posted }) },
  }),
  InclusionProof: resource({
    format: { const: 'payflow-inclusion-proof-v1' },
    transfer: resource({ chain: count, position: count, previous_hash: hash, canonical: { type: 'string' }, hash }),
    in_seal: resource({ ...place, root: hash }),
    in_log: resource(place),
    head: {
      ...resource({ seal: count, sealed_at: instant, transfers: count, root: hash, log_root: hash }),
      description: 'As `payflow.ledger.sealed.v1` published it, with `chains`, `key_id` and `signature`.',
    },
    public_key: { type: 'string', description: 'SubjectPublicKeyInfo, base64.' },
  }),
  TransactionTypeRequest: TRANSACTION_TYPE_REQUEST_SCHEMA,
  TransactionType: resource({
    id: { type: 'string', pattern: TYPE_NAME_PATTERN },
    object: { const: 'transaction_type' },
    version,
    debit: { ...accountPatterns, description: 'Accounts that may be debited; null is all.' },
    credit: accountPatterns,
    template: nullable(
      resource({
        variables: { type: 'object', additionalProperties: { enum: ['account', 'amount', 'asset'] } },
        legs: {
          type: 'array',
          items: resource({
            debit_account: text,
            credit_account: text,
            asset: text,
            amount: nullableText,
            of: { ...nullableText, description: 'The amount that the leg is a part of.' },
            portion: nullableText,
            remaining: { type: 'boolean' },
          }),
        },
      }),
    ),
    defined_at: nullable(instant),
  }),
  TransactionTypeList: list('TransactionType'),
  PeriodCloseRequest: PERIOD_CLOSE_REQUEST_SCHEMA,
  Period: resource(period),
  PeriodWithTotals: resource({
    ...period,
    totals: nullable({
      type: 'array',
      items: resource({ asset: assetCode, kind, posted_debits: sum, posted_credits: sum }),
    }),
  }),
  PeriodList: list('Period'),
  Report: { type: 'object', description: 'As monitoring gives it.' },
  Problem: {
    type: 'object',
    required: ['type', 'title', 'status', 'code', 'retryable'],
    properties: {
      type: { type: 'string', format: 'uri-reference' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      instance: { type: 'string' },
      code: { type: 'string' },
      request_id: { type: 'string' },
      trace_id: { type: 'string' },
      retryable: { type: 'boolean' },
      errors: {
        type: 'array',
        items: fieldProblem,
      },
      payment: ref('Payment'),
      account: ref('Account'),
      transfer: ref('Transfer'),
      transfer_group: ref('TransferGroup'),
      conversion: ref('Conversion'),
      hold: ref('Hold'),
    },
  },
};
