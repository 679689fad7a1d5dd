import { PATH_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import { RequestMethod, type Type } from '@nestjs/common';
import { newId } from '@payflow/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { accountResource } from '../../domain/account.js';
import { auditResource } from '../../domain/audit.js';
import { COMMON_ASSETS, unitResource } from '../../domain/asset.js';
import { conversionResource } from '../../domain/conversion.js';
import { bulkResource, bulkResults } from '../../domain/bulk.js';
import { disputeResource } from '../../domain/dispute.js';
import { apiKeyResource } from '../../domain/api-key.js';
import { sessionResource } from '../../domain/session.js';
import { userResource } from '../../domain/user.js';
import { holdResource } from '../../domain/hold.js';
import {
  limitResource,
  requestedLimit,
  requestedRiskRule,
  reviewResource,
  riskRuleResource,
} from '../../domain/limit.js';
import { periodResource, requestedPeriod } from '../../domain/period.js';
import { operationResource } from '../../domain/operation.js';
import { paymentResource } from '../../domain/payment.js';
import { requestedType, transactionTypeResource } from '../../domain/transaction-type.js';
import { transferGroupResource, transferResource } from '../../domain/transfer.js';
import { AccountsController } from '../ledger/accounts.controller.js';
import { AuditController } from '../identity/audit.controller.js';
import { AttemptsController } from '../payments/attempts.controller.js';
import { AssetsController } from '../ledger/assets.controller.js';
import { ConversionsController } from '../ledger/conversions.controller.js';
import { HoldsController } from '../ledger/holds.controller.js';
import { LedgerReadsController } from '../ledger/ledger-reads.controller.js';
import { LimitsController } from '../payments/limits.controller.js';
import { MonitoringController } from '../monitoring.controller.js';
import { PeriodsController } from '../ledger/periods.controller.js';
import { OperationsController } from '../payments/operations.controller.js';
import { PaymentOperationsController } from '../payments/payment-operations.controller.js';
import { PaymentBulksController } from '../payments/payment-bulks.controller.js';
import { PaymentsController } from '../payments/payments.controller.js';
import { ProviderWebhooksController } from '../payments/provider-webhooks.controller.js';
import { ApiKeysController } from '../identity/api-keys.controller.js';
import { AuthController } from '../identity/auth.controller.js';
import { UsersController } from '../identity/users.controller.js';
import { DisputesController } from '../payments/disputes.controller.js';
import { ProofsController } from '../ledger/proofs.controller.js';
import { BlocksController } from '../identity/blocks.controller.js';
import { RequestLogController, requestResource } from '../identity/request-log.controller.js';
import { ReviewsController } from '../payments/reviews.controller.js';
import { RiskRulesController } from '../payments/risk-rules.controller.js';
import { SearchController } from '../finding/search.controller.js';
import { TransactionsController } from '../finding/transactions.controller.js';
import { TransactionTypesController } from '../ledger/transaction-types.controller.js';
import { TransferBulksController } from '../ledger/transfer-bulks.controller.js';
import { TransferGroupsController } from '../ledger/transfer-groups.controller.js';
import { TransfersController } from '../ledger/transfers.controller.js';
import { TestModeController } from '../../test-mode/test-mode.controller.js';
import { openApiDocument } from './document.js';
import { OPERATIONS } from './operations.js';
import { SCHEMAS } from './schemas.js';

const CONTROLLERS: Type[] = [
  PaymentBulksController,
  PaymentsController,
  PaymentOperationsController,
  OperationsController,
  AttemptsController,
  AccountsController,
  TransferBulksController,
  TransfersController,
  TransferGroupsController,
  ConversionsController,
  HoldsController,
  AssetsController,
  MonitoringController,
  LedgerReadsController,
  ProofsController,
  PeriodsController,
  TransactionTypesController,
  ProviderWebhooksController,
  DisputesController,
  LimitsController,
  RiskRulesController,
  ReviewsController,
  AuthController,
  UsersController,
  ApiKeysController,
  AuditController,
  RequestLogController,
  BlocksController,
  SearchController,
  TransactionsController,
  TestModeController,
];

function routesOf(controller: Type): string[] {
  const base = Reflect.getMetadata(PATH_METADATA, controller) as string;
  const prototype = controller.prototype as Record<string, object>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const method = Reflect.getMetadata(METHOD_METADATA, prototype[name] as object) as RequestMethod | undefined;
    if (method === undefined) return [];
    const path = Reflect.getMetadata(PATH_METADATA, prototype[name] as object) as string;
    const full = `/${base}${path === '/' ? '' : `/${path}`}`.replace(/:(\w+)/g, '{$1}');
    return [`${RequestMethod[method].toLowerCase()} ${full} ${scopeOf(prototype[name] as object)}`];
  });
}

function scopeOf(handler: object): string {
  const metadata = Reflect.getMetadataKeys(handler).map(
    (key) => Reflect.getMetadata(key, handler) as { scope?: string; signed?: true; open?: true } | undefined,
  );
  if (metadata.some((value) => typeof value === 'object' && value?.signed)) return 'signature';
  if (metadata.some((value) => typeof value === 'object' && value?.open)) return 'open';
  return metadata.find((value) => typeof value === 'object' && value !== null && 'scope' in value)?.scope ?? 'none';
}

it('describes every route, with its scope, and no other', () => {
  const described = OPERATIONS.map(({ method, path, scope }) => `${method} ${path} ${scope}`).sort();
  expect(CONTROLLERS.flatMap(routesOf).sort()).toEqual(described);
});

it('refers only to schemas that are there', () => {
  const references = JSON.stringify(openApiDocument()).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  for (const [, name] of references) expect(Object.keys(SCHEMAS)).toContain(name);
});

const owner = { tenant: 'org_1', livemode: false, traceId: null };
const at = '2026-11-20T12:00:00.000Z';
const times = { createdAt: at, updatedAt: at };
const [source, destination] = ['acct_01m7yg4jr5ezm9ym0cwhese7x1', 'acct_01m7yg4jr5ezm9ym0cwhese7x2'];
const movement = { debitAccount: source, creditAccount: destination, amount: '100', asset: 'USD' };
const type = {
  id: 'card_capture',
  debit: [{ path: 'users:*:wallet', kind: null }],
  credit: null,
  template: {
    variables: { total: 'amount' },
    legs: [
      {
        debit_account: source,
        credit_account: destination,
        asset: 'USD',
        amount: null,
        of: '$total',
        portion: null,
        remaining: true,
      },
    ],
  },
} as const;
const transfer = {
  ...owner,
  ...movement,
  id: 'tr_01m7yg4jr5ezm9ym0cwhese7x1',
  status: 'failed' as const,
  group: 'grp_01m7yg4jr5ezm9ym0cwhese7x1',
  position: 0,
  payment: null,
  hold: null,
  reverses: null,
  reversed: '0',
  type: 'wallet_topup',
  corrects: null,
  correctedBy: null,
  effectiveAt: null,
  rate: null,
  metadata: {},
  metadataVersion: 1,
  failure: { code: 'insufficient_funds', leg: 0 },
  version: 1,
  createdAt: at,
  recordedAt: null,
};
const rate = { numerator: '92', denominator: '100' };

const bulk = {
  ...owner,
  id: 'bulk_01m7yg4jr5ezm9ym0cwhese7x1',
  mode: 'stop_on_first' as const,
  transfers: [transfer.id, transfer.id, null, null],
  problems: [{ index: 2, code: 'invalid_request', errors: [{ pointer: '/amount', code: 'malformed', detail: 'Is.' }] }],
  stoppedAt: 2,
  createdAt: at,
};
const results = bulkResults(bulk, { first: 0, ids: bulk.transfers }, [
  { status: 'posted', amount: '100', code: null, leg: null },
  { status: 'failed', amount: '100', code: 'insufficient_funds', leg: 1 },
  undefined,
  undefined,
]);

const limit = {
  id: newId('limit'),
  ...({ kind: 'per_day', scope: 'all', customer: null, method: null, asset: 'USD', amount: '5' } as const),
  ...{ count: null, minutes: null, enabled: true },
};
const rule = {
  id: newId('riskRule'),
  ...({ priority: 1, verdict: 'deny', reason: 'odd', conditions: { asset: ['USD'] }, enabled: true } as const),
};
const user = {
  ...({ id: newId('user'), organisation: 'org_1', email: 'a@example.com', name: 'a', role: 'viewer' } as const),
  ...({ status: 'active', version: 1, invitationExpiresAt: null, disabledAt: null, createdAt: at } as const),
};
const session = {
  ...{ id: newId('session'), user: user.id, livemode: false, address: '127.0.0.1', userAgent: 'curl', createdAt: at },
  ...{ renewedAt: at, expiresAt: at, endedAt: null, endReason: null },
};
const key = {
  ...({ id: newId('apiKey'), livemode: false, name: 'k', scopes: ['keys:read'], allowedAddresses: ['::/0'] } as const),
  apiVersion: '2026-11-20',
  ...({ status: 'active', expiresAt: null, revokedAt: null, replaces: null, createdBy: user.id } as const),
  ...{ lastUsedAt: null, requestCount: 0, version: 1, createdAt: at },
};
const review = {
  ...({
    id: newId('review'),
    payment: newId('payment'),
    status: 'open',
    rule: newId('riskRule'),
    reason: 'odd',
  } as const),
  ...({ amount: '5', asset: 'USD', source, destination, method: { type: 'internal' }, customer: null } as const),
  ...{ opened_at: at, expires_at: at, decided_at: null, decided_by: null, decision_reason: null, version: 1 },
};

it.each([
  [
    'Refund',
    operationResource({
      ...owner,
      ...times,
      id: 're_01m7yg4jr5ezm9ym0cwhese7x1',
      kind: 'refund',
      payment: 'pay_01m7yg4jr5ezm9ym0cwhese7x1',
      status: 'failed',
      amount: null,
      asset: 'USD',
      failureCode: 'refund_exceeds_captured',
      reason: null,
      metadata: {},
      version: 1,
    }),
  ],
  [
    'Payment',
    paymentResource({
      ...owner,
      ...times,
      id: 'pay_01m7yg4jr5ezm9ym0cwhese7x1',
      status: 'failed',
      version: 1,
      amount: '100',
      amountAuthorized: '100',
      amountCaptured: '0',
      amountRefunded: '0',
      asset: 'USD',
      source,
      destination,
      method: { type: 'card', token: 'tok_visa', brand: 'visa' },
      capture: 'manual',
      nextAction: { type: 'redirect', url: 'https://acquirer.example/3ds' },
      authorizedUntil: times.updatedAt,
      customer: 'cus_01m7yg4jr5ezm9ym0cwhese7x1',
      retryOf: 'pay_01m7yg4jr5ezm9ym0cwhese7x2',
      division: null,
      reference: null,
      metadata: {},
      failureCode: 'insufficient_funds',
    }),
  ],
  [
    'Account',
    accountResource({
      ...owner,
      ...times,
      id: source,
      status: 'debits_frozen',
      path: null,
      asset: 'USD',
      kind: 'asset',
      overdraft: 'limited',
      overdraftLimit: 5n,
      postedDebits: 0n,
      postedCredits: 3n,
      pendingDebits: 0n,
      pendingCredits: 0n,
      metadata: {},
      version: 1,
    }),
  ],
  ['User', userResource(user)],
  ['User', userResource({ ...user, status: 'disabled', disabledAt: at, invitationExpiresAt: at })],
  ['InvitedUser', { ...userResource(user), invitation_token: null }],
  ['Session', sessionResource(session, session.id)],
  ['Session', sessionResource({ ...session, endedAt: at, endReason: 'token_reused' }, undefined)],
  ['ApiKey', apiKeyResource(key)],
  [
    'NewApiKey',
    { ...apiKeyResource({ ...key, replaces: key.id, lastUsedAt: at, expiresAt: at }), secret: 'sk_test_x' },
  ],
  ['Asset', COMMON_ASSETS.get('USD')],
  ['Asset', unitResource({ code: 'POINTS', scale: 0, name: 'Points', createdAt: at })],
  ['TransferBulk', { ...bulkResource(bulk, results), results }],
  ['Transfer', transferResource(transfer)],
  ['Conversion', conversionResource({ ...transfer, transfers: [transfer, transfer], id: transfer.group, rate })],
  ['TransferGroup', transferGroupResource({ ...transfer, transfers: [transfer], id: transfer.group })],
  [
    'Hold',
    holdResource({
      ...owner,
      ...movement,
      ...times,
      id: 'hold_01m7yg4jr5ezm9ym0cwhese7x1',
      status: 'requested',
      posted: '0',
      expiresAt: at,
      payment: null,
      type: 'stay',
      transfer: transfer.id,
      failureCode: null,
      version: 0,
    }),
  ],
  [
    'Dispute',
    disputeResource({
      ...owner,
      ...times,
      ...{ source, destination, amount: '100', amount_disputed: '100', asset: 'USD', reason: 'fraudulent', version: 1 },
      ...{ id: 'dp_01m7yg4jr5ezm9ym0cwhese7x1', payment: 'pay_01m7yg4jr5ezm9ym0cwhese7x1', status: 'needs_response' },
      ...{ connector: 'cards', provider_reference: 'dsp_1', leg: 'refused', leg_reason: 'insufficient_funds' },
      ...{ evidence_due_by: at, evidence_submitted_at: null, transfer: transfer.id, return_transfer: null },
    }),
  ],
  ['TransactionType', requestedType({ ...type, if_version: null })],
  ['TransactionType', transactionTypeResource({ ...type, version: 1, defined_at: at })],
  [
    'LoggedRequest',
    requestResource({
      ...{
        id: 'rlog_01m7yg4jr5ezm9ym0cwhese7x1',
        createdAt: at,
        method: 'GET',
        route: null,
        status: 404,
        duration_us: 1_250,
      },
      ...{ requestBytes: null, responseBytes: 5, actor: null, address: '192.0.2.1', requestId: 'req_1', traceId: null },
      code: 'not_found',
    }),
  ],
  ['Limit', requestedLimit({ ...limit, if_version: null })],
  ['Limit', limitResource({ ...limit, version: 1, defined_at: at })],
  ['RiskRule', requestedRiskRule({ ...rule, if_version: null })],
  ['RiskRule', riskRuleResource({ ...rule, version: 1, defined_at: at })],
  ['RiskRule', riskRuleResource({ ...rule, version: 2, defined_at: at, deleted_at: at })],
  ['Review', reviewResource(review)],
  [
    'AuditEntry',
    auditResource({
      ...{
        id: 'aud_01m7yg4jr5ezm9ym0cwhese7x1',
        createdAt: at,
        livemode: false,
        actorKind: 'key',
        operation: 'defineLimit',
      },
      ...{
        actor: 'key_01m7yg4jr5ezm9ym0cwhese7x1',
        resource: 'lim_01m7yg4jr5ezm9ym0cwhese7x1',
        before: null,
        after: {},
      },
      ...{ address: '127.0.0.1', requestId: '7', traceId: null },
    }),
  ],
  ['Period', requestedPeriod('2026-10')],
  [
    'Period',
    periodResource({
      id: '2026-10',
      ends_at: at,
      closing_at: at,
      version: 2,
      closed_at: at,
      totals: [],
      hash: 'a'.repeat(64),
    }),
  ],
])('describes %s as it is rendered', (name, resource) => {
  const schemas = [{ $id: 'api', components: { schemas: SCHEMAS } }];
  const ajv = new Ajv2020({ strict: false, validateFormats: false, schemas });
  const closed = { $ref: `api#/components/schemas/${name}`, unevaluatedProperties: false };
  expect([ajv.validate(closed, resource), ajv.errors]).toEqual([true, null]);
});
