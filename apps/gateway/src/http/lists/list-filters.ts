import {
  ACCOUNT_KINDS,
  ACCOUNT_STATES,
  CAPTURE_MODES,
  PAYMENT_STATUSES,
  toUuid,
  TRANSFER_KINDS,
  TYPE_NAME_PATTERN,
  type IdKind,
} from '@payflow/contracts';
import { isAssetCode, isUnitCode, parseAmount } from '@payflow/money';
import type { AccountFilter } from '../../database/account-list.repository.js';
import type { ConversionFilter } from '../../database/conversion-list.repository.js';
import type { HistoryFilter } from '../../database/history.repository.js';
import type { HoldFilter } from '../../database/hold-view.repository.js';
import type { OperationFilter } from '../../database/operation-view.repository.js';
import type { PaymentFilter } from '../../database/payment-view.repository.js';
import type { TransferFilter } from '../../database/transfer-view.repository.js';
import { HISTORY_TYPES } from '../../domain/history.js';
import { canonicalInstant } from '../answers/instant.js';
import { isWithin } from '../edge/text-length.js';

/** Reads one parameter, or says what it must be. */
type Reader = (text: string, member: string) => { readonly value: string } | { readonly mustBe: string };

/**
 * The filters of a list by the names of their parameters. `name[*]` is many at once, each with a member's name in the brackets:
 * together they are one filter, an object as JSON.
 */
export type FilterReaders<F> = Readonly<Record<string, { readonly name: keyof F; readonly read: Reader }>>;

const REFERENCE_LENGTH_MAX = 255;

const ok = (value: string): { readonly value: string } => ({ value });
const id =
  (kind: IdKind): Reader =>
  (text) =>
    toUuid(kind, text) ? ok(text) : { mustBe: `an id of ${kind === 'account' ? 'an account' : `a ${kind}`}` };
const oneOf =
  (...words: readonly string[]): Reader =>
  (text) =>
    words.includes(text) ? ok(text) : { mustBe: `one of ${words.join(', ')}` };
const instant: Reader = (text) => {
  const canonical = canonicalInstant(text);
  return canonical ? ok(canonical) : { mustBe: 'an RFC 3339 instant with a zone, such as 2026-11-20T12:00:00.000Z' };
};
const TYPE_NAME = new RegExp(TYPE_NAME_PATTERN);
export const typeName: Reader = (text) =>
  TYPE_NAME.test(text) ? ok(text) : { mustBe: 'the name of a transaction type' };
const amount: Reader = (text) => (parseAmount(text) === undefined ? { mustBe: 'minor units, as digits' } : ok(text));
const reference: Reader = (text) => {
  const plain = text.length >= 1 && text.isWellFormed() && !text.includes('\0');
  return plain && isWithin(text, REFERENCE_LENGTH_MAX)
    ? ok(text)
    : { mustBe: `1 to ${REFERENCE_LENGTH_MAX} characters` };
};

const PATH_LENGTH_MAX = 255;
/** Of an account, as the API takes it. */
export const path: Reader = (text) =>
  /^[\x21-\x7e]+$/.test(text) && text.length <= PATH_LENGTH_MAX
    ? ok(text)
    : { mustBe: `1 to ${PATH_LENGTH_MAX} visible ASCII characters` };

/** As the API takes metadata. */
const METADATA_NAME_LENGTH_MAX = 64;
const METADATA_LENGTH_MAX = 500;
export const metadata: Reader = (text, member) => {
  const plain = [text, member].every((part) => part.isWellFormed() && !part.includes('\0'));
  return plain && isWithin(member, METADATA_NAME_LENGTH_MAX) && isWithin(text, METADATA_LENGTH_MAX)
    ? ok(text)
    : { mustBe: `at most ${METADATA_LENGTH_MAX} characters, under a name of at most ${METADATA_NAME_LENGTH_MAX}` };
};

export const ASSET = {
  asset: {
    name: 'asset',
    read: (text: string) =>
      isAssetCode(text) || isUnitCode(text) ? ok(text) : { mustBe: 'the code of a known asset' },
  },
} as const;
export const CREATED = {
  'created[gte]': { name: 'createdGte', read: instant },
  'created[gt]': { name: 'createdGt', read: instant },
  'created[lte]': { name: 'createdLte', read: instant },
  'created[lt]': { name: 'createdLt', read: instant },
} as const;

export const PAYMENT_FILTERS: FilterReaders<PaymentFilter> = {
  status: { name: 'status', read: oneOf(...PAYMENT_STATUSES) },
  source: { name: 'source', read: id('account') },
  destination: { name: 'destination', read: id('account') },
  ...ASSET,
  reference: { name: 'reference', read: reference },
  customer: { name: 'customer', read: id('customer') },
  capture: { name: 'capture', read: oneOf(...CAPTURE_MODES) },
  'metadata[*]': { name: 'metadata', read: metadata },
  'amount[gte]': { name: 'amountGte', read: amount },
  'amount[lte]': { name: 'amountLte', read: amount },
  ...CREATED,
};

export const OPERATIONS_OF_PAYMENT_FILTERS: FilterReaders<OperationFilter> = {
  status: { name: 'status', read: oneOf('pending', 'succeeded', 'failed') },
  ...CREATED,
};

export const OPERATION_FILTERS: FilterReaders<OperationFilter> = {
  payment: { name: 'payment', read: id('payment') },
  ...OPERATIONS_OF_PAYMENT_FILTERS,
};

export const TRANSFER_FILTERS: FilterReaders<TransferFilter> = {
  account: { name: 'account', read: id('account') },
  group: { name: 'group', read: id('group') },
  hold: { name: 'hold', read: id('hold') },
  payment: { name: 'payment', read: id('payment') },
  type: { name: 'type', read: typeName },
  kind: { name: 'kind', read: oneOf(...TRANSFER_KINDS) },
  'metadata[*]': { name: 'metadata', read: metadata },
  status: { name: 'status', read: oneOf('pending', 'posted', 'failed') },
  ...ASSET,
  'amount[gte]': { name: 'amountGte', read: amount },
  'amount[lte]': { name: 'amountLte', read: amount },
  ...CREATED,
};

export const CONVERSION_FILTERS: FilterReaders<ConversionFilter> = {
  account: { name: 'account', read: id('account') },
  status: { name: 'status', read: oneOf('pending', 'posted', 'failed') },
  ...CREATED,
};

export const HOLD_FILTERS: FilterReaders<HoldFilter> = {
  account: { name: 'account', read: id('account') },
  type: { name: 'type', read: typeName },
  status: { name: 'status', read: oneOf('requested', 'pending', 'posted', 'voided', 'expired', 'failed') },
  payment: { name: 'payment', read: id('payment') },
  ...ASSET,
  ...CREATED,
};

export const HISTORY_FILTERS: FilterReaders<HistoryFilter> = {
  account: { name: 'account', read: id('account') },
  path: { name: 'path', read: path },
  type: { name: 'type', read: oneOf(...HISTORY_TYPES) },
  'created[gte]': CREATED['created[gte]'],
  'created[lt]': CREATED['created[lt]'],
};

export const ACCOUNT_FILTERS: FilterReaders<AccountFilter> = {
  status: { name: 'status', read: oneOf('pending', ...ACCOUNT_STATES) },
  kind: { name: 'kind', read: oneOf(...ACCOUNT_KINDS) },
  ...ASSET,
  path: { name: 'path', read: path },
  'metadata[*]': { name: 'metadata', read: metadata },
  ...CREATED,
};
