import {
  PROBLEMS,
  type AssetDefined,
  type HoldRejected,
  type PeriodRejected,
  type ProblemCode,
} from '@payflow/contracts';
import { PROBLEM_CONTENT_TYPE, problemBody } from '@payflow/service';
import { accountResource, type AccountView } from '../domain/account.js';
import { unitResource } from '../domain/asset.js';
import { conversionResource, isConversion, type ConversionView } from '../domain/conversion.js';
import { periodResource } from '../domain/period.js';
import { holdResource, type HoldView } from '../domain/hold.js';
import {
  transferGroupResource,
  transferResource,
  type TransferGroupView,
  type TransferView,
} from '../domain/transfer.js';
import { transactionTypeResource } from '../domain/transaction-type.js';
import type { Reply } from './acceptable.js';
import { refusalCode, updateRefusalCode } from './refusal-codes.js';
import { ownRefusalDetail } from './refusal-detail.js';

export const PAYMENTS_PATH = '/api/v1/payments';
export const ACCOUNTS_PATH = '/api/v1/accounts';
export const ASSETS_PATH = '/api/v1/assets';
export const TRANSFERS_PATH = '/api/v1/transfers';
export const TRANSFER_GROUPS_PATH = '/api/v1/transfer_groups';
export const CONVERSIONS_PATH = '/api/v1/conversions';
export const TRANSFER_BULKS_PATH = '/api/v1/transfers/bulk';
export const HOLDS_PATH = '/api/v1/holds';
export const PERIODS_PATH = '/api/v1/periods';
export const TRANSACTION_TYPES_PATH = '/api/v1/transaction_types';
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** 201 with the account. */
export function openedReply(view: AccountView): Reply {
  return created(`${ACCOUNTS_PATH}/${view.id}`, accountResource(view));
}

/** The reasons for not opening an account that a client can do something about. */
const OPENING_REFUSALS = ['account_exists', 'asset_unknown', 'id_reused'] as const satisfies readonly ProblemCode[];

/** The problem that the ledger's reason for not opening an account stands for. */
export function rejectedReply(reason: string, requestId: string, traceId: string | undefined): Reply {
  const code: ProblemCode = OPENING_REFUSALS.find((known) => known === reason) ?? 'account_refused';
  return refused(code, reason, { instance: ACCOUNTS_PATH, requestId, traceId });
}

/** 200 with the account as the change left it. */
export function updatedReply(view: AccountView): Reply {
  return ok(accountResource(view));
}

/** Why the account stays as it is, with the account. */
export function updateRefusedReply(
  view: AccountView,
  reason: string,
  requestId: string,
  traceId: string | undefined,
): Reply {
  const occurrence = { instance: `${ACCOUNTS_PATH}/${view.id}`, requestId, traceId };
  return refused(updateRefusalCode(reason), reason, occurrence, { account: accountResource(view) });
}

/** 201 with the unit as it was defined first. */
export function definedReply({ id: code, scale, name, created_at: createdAt }: AssetDefined): Reply {
  return created(`${ASSETS_PATH}/${code}`, unitResource({ code, scale, name, createdAt }));
}

/** Why the unit was not defined. */
export function definitionRefusedReply(reason: string, requestId: string, traceId: string | undefined): Reply {
  return refused(refusalCode(reason), reason, { instance: ASSETS_PATH, requestId, traceId });
}

/** 201 with the transfer, or the reason for its refusal with the transfer, which is kept. */
export function transferReply(view: TransferView, requestId: string): Reply {
  const location = `${TRANSFERS_PATH}/${view.id}`;
  const transfer = transferResource(view);
  if (!view.failure) return created(location, transfer);
  const occurrence = { instance: askedFor(view), requestId, traceId: view.traceId ?? undefined };
  return refused(refusalCode(view.failure.code), view.failure.code, occurrence, { transfer }, { location });
}

/** 200 with the transfer as the change left it. */
export function transferUpdatedReply(view: TransferView): Reply {
  return ok(transferResource(view));
}

/** Why the transfer keeps its metadata, with the transfer. */
export function transferUpdateRefusedReply(
  view: TransferView,
  reason: string,
  requestId: string,
  traceId: string | undefined,
): Reply {
  const occurrence = { instance: `${TRANSFERS_PATH}/${view.id}`, requestId, traceId };
  return refused(refusalCode(reason), reason, occurrence, { transfer: transferResource(view) });
}

/** Where a transfer was asked for. */
function askedFor({ reverses, corrects }: TransferView): string {
  if (reverses) return `${TRANSFERS_PATH}/${reverses}/reverse`;
  return corrects ? `${TRANSFERS_PATH}/${corrects}/correct` : TRANSFERS_PATH;
}

/** 201 with the group, or the reason for its refusal with the group, which is kept. A conversion is answered as one. */
export function transferGroupReply(view: TransferGroupView, requestId: string): Reply {
  if (isConversion(view)) return conversionReply(view, requestId);
  const location = `${TRANSFER_GROUPS_PATH}/${view.id}`;
  const group = transferGroupResource(view);
  if (!view.failure) return created(location, group);
  const occurrence = { instance: TRANSFERS_PATH, requestId, traceId: view.traceId ?? undefined };
  const extra = { transfer_group: group };
  return refused(refusalCode(view.failure.code), view.failure.code, occurrence, extra, { location });
}

function conversionReply(view: ConversionView, requestId: string): Reply {
  const location = `${CONVERSIONS_PATH}/${view.id}`;
  const conversion = conversionResource(view);
  if (!view.failure) return created(location, conversion);
  const occurrence = { instance: CONVERSIONS_PATH, requestId, traceId: view.traceId ?? undefined };
  return refused(refusalCode(view.failure.code), view.failure.code, occurrence, { conversion }, { location });
}

/** 201 with the hold. */
export function holdPlacedReply(view: HoldView): Reply {
  return created(`${HOLDS_PATH}/${view.id}`, holdResource(view));
}

/** 200 with the hold as the change left it. */
export function holdChangedReply(view: HoldView): Reply {
  return ok(holdResource(view));
}

/** Why the hold was not placed, posted or voided, with the hold. */
export function holdRefusedReply(
  view: HoldView,
  { operation, reason }: HoldRejected,
  requestId: string,
  traceId: string | undefined,
): Reply {
  const location = `${HOLDS_PATH}/${view.id}`;
  const instance = operation === 'place' ? HOLDS_PATH : `${location}/${operation}`;
  const headers = operation === 'place' ? { location } : {};
  const occurrence = { instance, requestId, traceId };
  return refused(refusalCode(reason), reason, occurrence, { hold: holdResource(view) }, headers);
}

/** 200 with the month as it stands. */
export function periodReply(period: Parameters<typeof periodResource>[0]): Reply {
  return ok(periodResource(period));
}

/** Why the month stays open. */
export function periodRefusedReply(
  { id, reason }: PeriodRejected,
  requestId: string,
  traceId: string | undefined,
): Reply {
  return refused(refusalCode(reason), reason, { instance: `${PERIODS_PATH}/${id}/close`, requestId, traceId });
}

/** 201 with the type in its version. */
export function typeReply(type: Parameters<typeof transactionTypeResource>[0]): Reply {
  return created(`${TRANSACTION_TYPES_PATH}/${type.id}`, transactionTypeResource(type));
}

/** Why the type stays as it was. */
export function typeRefusedReply(reason: string, requestId: string, traceId: string | undefined): Reply {
  return refused(refusalCode(reason), reason, { instance: TRANSACTION_TYPES_PATH, requestId, traceId });
}

export function ok(resource: object): Reply {
  return { status: 200, headers: { 'content-type': JSON_CONTENT_TYPE }, body: JSON.stringify(resource) };
}

export function created(location: string, resource: object): Reply {
  return { status: 201, headers: { 'content-type': JSON_CONTENT_TYPE, location }, body: JSON.stringify(resource) };
}

export function refused(
  code: ProblemCode,
  reason: string,
  occurrence: Parameters<typeof problemBody>[2],
  extra: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Reply {
  // Of an overdraft that is in use, the ledger's word for its account would say something else.
  const detail = code === 'overdraft_in_use' ? {} : { detail: ownRefusalDetail(reason) };
  return problem(code, headers, problemBody(code, { ...detail, extra }, occurrence));
}

export function problem(code: ProblemCode, headers: Record<string, string>, body: object): Reply {
  return {
    status: PROBLEMS[code].status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE, ...headers },
    body: JSON.stringify(body),
  };
}
