import { idPattern, newId, type ConversionPost, type RateText } from '@payflow/contracts';
import { AMOUNT_MAX, convert, formatAmount } from '@payflow/money';
import type { ConversionWrite, NamedAccount } from '../../acceptance/acceptable.js';
import type { TransferView } from '../../domain/transfer.js';
import type { Caller } from '../edge/caller.js';
import { byName, contentHash } from '../writes/content-hash.js';
import { checkAssetCode, unitsAmong } from './named-asset.js';
import {
  AMOUNT_SCHEMA,
  amountOf,
  ASSET_SCHEMA,
  checkClientId,
  impossible,
  METADATA_SCHEMA,
  triableReader,
} from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';
import { conditionAccounts, conditionOf, pendingTransfer, TERMS, type Terms } from './transfer.request.js';

/** `POST /api/v1/conversions` */
type ConversionRequest = Omit<ConversionPost, 'id' | 'transfers' | 'metadata' | 'conditions'> &
  Partial<Pick<ConversionPost, 'id' | 'metadata'>> &
  Pick<Terms, 'conditions'>;

const ACCOUNT = { type: 'string', pattern: idPattern('account') } as const;
const POSITIVE = { type: 'string', pattern: '^[1-9][0-9]{0,18}$' } as const;

export const CONVERSION_REQUEST_SCHEMA = {
  type: 'object',
  required: [
    'source',
    'destination',
    'source_liquidity',
    'destination_liquidity',
    'source_asset',
    'destination_asset',
    'source_amount',
    'rate',
  ],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('group') },
    source: ACCOUNT,
    destination: ACCOUNT,
    source_liquidity: ACCOUNT,
    destination_liquidity: ACCOUNT,
    source_asset: ASSET_SCHEMA,
    destination_asset: ASSET_SCHEMA,
    source_amount: AMOUNT_SCHEMA,
    rate: {
      type: 'object',
      description: "`numerator` minor units of the destination's asset for `denominator` minor units of the source's.",
      required: ['numerator', 'denominator'],
      additionalProperties: false,
      properties: { numerator: POSITIVE, denominator: POSITIVE },
    },
    conditions: TERMS.conditions,
    metadata: METADATA_SCHEMA,
  },
} as const;

const readConversion = triableReader<ConversionRequest>(CONVERSION_REQUEST_SCHEMA);

/** Checks a body and makes the conversion of it. Throws 400 for a wrong shape and 422 for what can never be converted. */
export function conversionWrite(json: JsonObject, caller: Caller, now: Date): ConversionWrite {
  const body = readConversion(json);
  checkClientId('group', '/id', body.id);
  const amount = destinationAmountOf(body);
  refuseOneAccount(body);
  const { id = newId('group'), metadata = {}, conditions: asked = [], ...terms } = body;
  const conditions = asked.map(conditionOf);
  const transfers = [newId('transfer'), newId('transfer')] as const;
  const pending = { ...pendingTransfer(caller, now), rate: body.rate };
  return {
    kind: 'group',
    type: 'payflow.conversion.post.v1',
    contentHash: body.id === undefined ? undefined : hashOf(terms, conditions, metadata),
    command: { ...terms, id, transfers, metadata, ...(conditions.length > 0 ? { conditions } : {}) },
    commandId: newId('event'),
    accounts: [...accountsOf(body), ...conditionAccounts(body)],
    units: unitsAmong([
      ['/source_asset', body.source_asset],
      ['/destination_asset', body.destination_asset],
    ]),
    view: {
      ...pending,
      id,
      metadata,
      transfers: movementsOf(body, formatAmount(amount)).map((movement, position): TransferView => {
        return { ...pending, ...movement, id: transfers[position] as string, group: id, position };
      }),
    },
  };
}

function hashOf(
  { rate, ...terms }: Omit<ConversionRequest, 'id' | 'metadata' | 'conditions'>,
  conditions: ConversionPost['conditions'],
  metadata: ConversionPost['metadata'],
): Buffer {
  return contentHash('conversion', byName(terms), rate.numerator, rate.denominator, conditions, byName(metadata));
}

/**
 * What the ledger will make of the amount. Throws where that is nothing, or more than can be booked, in the ledger's order: between
 * two of one asset there is nothing to convert, however much it would come to.
 */
function destinationAmountOf({ source_amount, rate, ...body }: ConversionRequest): bigint {
  const amount = amountOf('/source_amount', source_amount);
  const exact = rateOf(rate);
  if (amount === 0n) throw impossible('amount_not_positive', '/source_amount');
  refuseAssets(body);
  const converted = convert(amount, exact);
  if (converted === 0n) throw impossible('conversion_too_small', '/source_amount');
  if (converted > AMOUNT_MAX) throw impossible('conversion_too_large', '/source_amount');
  return converted;
}

function rateOf({ numerator, denominator }: RateText) {
  return {
    numerator: amountOf('/rate/numerator', numerator),
    denominator: amountOf('/rate/denominator', denominator),
  };
}

function refuseAssets(assets: Pick<ConversionRequest, 'source_asset' | 'destination_asset'>): void {
  checkAssetCode('/source_asset', assets.source_asset);
  checkAssetCode('/destination_asset', assets.destination_asset);
  if (assets.source_asset === assets.destination_asset) throw impossible('assets_identical', '/destination_asset');
}

function refuseOneAccount(body: ConversionRequest): void {
  if (body.source === body.source_liquidity) throw impossible('accounts_identical', '/source_liquidity');
  if (body.destination === body.destination_liquidity) throw impossible('accounts_identical', '/destination_liquidity');
}

function accountsOf({ source_asset, destination_asset, ...body }: ConversionRequest): NamedAccount[] {
  return [
    { pointer: '/source', id: body.source, asset: source_asset },
    { pointer: '/source_liquidity', id: body.source_liquidity, asset: source_asset },
    { pointer: '/destination_liquidity', id: body.destination_liquidity, asset: destination_asset },
    { pointer: '/destination', id: body.destination, asset: destination_asset },
  ];
}

function movementsOf(body: ConversionRequest, amount: string) {
  const { source, source_liquidity, destination_liquidity, destination } = body;
  const [from, to] = [body.source_asset, body.destination_asset];
  return [
    { debitAccount: source, creditAccount: source_liquidity, amount: body.source_amount, asset: from },
    { debitAccount: destination_liquidity, creditAccount: destination, amount, asset: to },
  ];
}
