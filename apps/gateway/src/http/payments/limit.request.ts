import {
  idPattern,
  LIMIT_KINDS,
  LIMIT_SCOPES,
  LIMITED_METHODS,
  newId,
  VELOCITY_COUNT_MAX,
  VELOCITY_MINUTES_MAX,
  type LimitKind,
  type LimitScope,
  type LimitedMethod,
} from '@payflow/contracts';
import { Problem, type FieldProblem } from '@payflow/service';
import type { LimitWrite } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import { checkAssetCode, unitsAmong } from '../ledger/named-asset.js';
import { madeBy } from './definition.request.js';
import { AMOUNT_SCHEMA, amountOf, ASSET_SCHEMA, bodyReader, checkClientId } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `POST /api/v1/limits` */
interface LimitRequest {
  readonly id?: string;
  readonly kind: LimitKind;
  readonly scope?: LimitScope;
  readonly customer?: string;
  readonly method?: LimitedMethod;
  readonly asset?: string;
  readonly amount?: string;
  readonly count?: number;
  readonly minutes?: number;
  readonly enabled?: boolean;
}

export const LIMIT_REQUEST_SCHEMA = {
  type: 'object',
  required: ['kind'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('limit') },
    kind: { enum: LIMIT_KINDS },
    scope: { enum: LIMIT_SCOPES },
    customer: { type: 'string', pattern: idPattern('customer') },
    method: { enum: LIMITED_METHODS },
    asset: ASSET_SCHEMA,
    amount: AMOUNT_SCHEMA,
    count: { type: 'integer', minimum: 1, maximum: VELOCITY_COUNT_MAX },
    minutes: { type: 'integer', minimum: 1, maximum: VELOCITY_MINUTES_MAX },
    enabled: { type: 'boolean' },
  },
} as const;

const readLimit = bodyReader<LimitRequest>(LIMIT_REQUEST_SCHEMA);

/** Checks a body and makes the command of it that defines the limit. Throws 400 for a wrong shape, or what its kind does not have. */
export function limitWrite(ifVersion: number | null, json: JsonObject, caller: Caller, now: Date): LimitWrite {
  const body = readLimit(json);
  checkClientId('limit', '/id', body.id);
  const { kind, scope = body.customer === undefined ? 'all' : 'customer', asset = null, enabled = true } = body;
  const errors = faultsOf(body, scope);
  if (errors.length > 0) throw new Problem('invalid_request', { errors });
  if (asset !== null) checkAssetCode('/asset', asset);
  if (body.amount !== undefined) amountOf('/amount', body.amount);
  const commandId = newId('event');
  const { customer = null, method = null, amount = null, count = null, minutes = null } = body;
  const terms = { kind, scope, customer, method, asset, amount, count, minutes, enabled };
  return {
    kind: 'change',
    type: 'payflow.limit.define.v1',
    command: { id: body.id ?? madeBy('limit', commandId), ...terms, if_version: ifVersion },
    commandId,
    units: asset === null ? undefined : unitsAmong([['/asset', asset]]),
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}

function faultsOf({ kind, customer, asset, amount, count, minutes }: LimitRequest, scope: LimitScope): FieldProblem[] {
  const isVelocity = kind === 'velocity';
  return [
    ...mustBe('/customer', customer !== undefined, scope === 'customer', `of the scope ${scope}`),
    ...(isVelocity ? [] : mustBe('/asset', asset !== undefined, true, `${kind}`)),
    ...mustBe('/amount', amount !== undefined, !isVelocity, `${kind}`),
    ...mustBe('/count', count !== undefined, isVelocity, `${kind}`),
    ...mustBe('/minutes', minutes !== undefined, isVelocity, `${kind}`),
  ];
}

function mustBe(pointer: string, isGiven: boolean, isDue: boolean, what: string): FieldProblem[] {
  if (isGiven === isDue) return [];
  return isDue
    ? [{ pointer, code: 'missing', detail: `A limit ${what} needs it.` }]
    : [{ pointer, code: 'not_supported', detail: `A limit ${what} does not have it.` }];
}
