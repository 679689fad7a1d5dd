import {
  fromUuid,
  GROUP_ACCOUNTS_MAX,
  GROUP_TYPES_MAX,
  idPattern,
  LEGS_MAX,
  newId,
  TYPE_NAME_PATTERN,
  uuidOf,
  type BalanceCondition,
} from '@payflow/contracts';
import { parseSignedAmount } from '@payflow/money';
import { Problem } from '@payflow/service';
import type { GroupWrite, NamedAccount, PostWrite } from '../../acceptance/acceptable.js';
import type { TransferView } from '../../domain/transfer.js';
import type { Caller } from '../edge/caller.js';
import { byName, contentHash, transferHash } from '../writes/content-hash.js';
import { accountsOf, checkMovement, MOVEMENT_PROPERTIES, MOVEMENT_REQUIRED, type MovementRequest } from './movement.js';
import { unitsAmong } from './named-asset.js';
import {
  bodyReader,
  checkClientId,
  impossible,
  INSTANT_SCHEMA,
  instantOf,
  METADATA_SCHEMA,
  wrong,
} from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

interface ConditionRequest {
  readonly account: string;
  readonly version?: number;
  readonly balance_gte?: string;
  readonly balance_lte?: string;
}

export interface LegRequest extends MovementRequest {
  readonly up_to?: boolean;
  /** The transaction type whose posting rule it must keep to. */
  readonly type?: string;
}

/** What a transfer and a group of them have in common. */
export interface Terms {
  readonly conditions?: readonly ConditionRequest[];
  readonly effective_at?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** `POST /api/v1/transfers` with one transfer. */
type TransferRequest = LegRequest & Terms;

/** `POST /api/v1/transfers` with transfers that belong together. */
interface GroupRequest extends Terms {
  readonly id?: string;
  /** Of all legs that name no other. */
  readonly type?: string;
  readonly legs: readonly LegRequest[];
}

const CONDITIONS_MAX = 100;
const SIGNED_AMOUNT = { type: 'string', pattern: '^(0|-?[1-9][0-9]{0,18})$' } as const;

export const TERMS = {
  conditions: {
    type: 'array',
    maxItems: CONDITIONS_MAX,
    items: {
      type: 'object',
      required: ['account'],
      minProperties: 2,
      additionalProperties: false,
      properties: {
        account: { type: 'string', pattern: idPattern('account') },
        version: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        balance_gte: SIGNED_AMOUNT,
        balance_lte: SIGNED_AMOUNT,
      },
    },
  },
  effective_at: INSTANT_SCHEMA,
  metadata: METADATA_SCHEMA,
} as const;

export const TYPE = { type: 'string', pattern: TYPE_NAME_PATTERN } as const;

const LEG = {
  id: { type: 'string', pattern: idPattern('transfer') },
  ...MOVEMENT_PROPERTIES,
  up_to: { type: 'boolean' },
  type: TYPE,
} as const;

export const TRANSFER_REQUEST_SCHEMA = {
  type: 'object',
  required: MOVEMENT_REQUIRED,
  additionalProperties: false,
  properties: { ...LEG, ...TERMS },
} as const;

export const LEG_REQUEST_SCHEMA = {
  type: 'object',
  required: MOVEMENT_REQUIRED,
  additionalProperties: false,
  properties: LEG,
} as const;

export const TRANSFER_GROUP_REQUEST_SCHEMA = {
  type: 'object',
  required: ['legs'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('group') },
    type: TYPE,
    legs: {
      type: 'array',
      minItems: 1,
      maxItems: LEGS_MAX,
      items: LEG_REQUEST_SCHEMA,
    },
    ...TERMS,
  },
} as const;

const readTransfer = bodyReader<TransferRequest>(TRANSFER_REQUEST_SCHEMA);
const readGroup = bodyReader<GroupRequest>(TRANSFER_GROUP_REQUEST_SCHEMA);

/** Checks a body and makes the transfer of it, or the group. Throws 400 for a wrong shape and 422 for what can never be. */
export function transferWrite(
  { dry_run: _asked, ...json }: JsonObject,
  caller: Caller,
  now: Date,
): PostWrite | GroupWrite {
  return Object.hasOwn(json, 'legs') ? groupOf(json, caller, now) : transferOf(json, caller, now);
}

/** {@link transferWrite} of one transfer. */
export function transferOf(json: JsonObject, caller: Caller, now: Date): PostWrite {
  return singleWrite(readTransfer(json), caller, now);
}

/** {@link transferWrite} of transfers that belong together. */
export function groupOf(json: JsonObject, caller: Caller, now: Date): GroupWrite {
  return groupWrite(readGroup(json), caller, now);
}

function singleWrite(body: TransferRequest, caller: Caller, now: Date): PostWrite {
  checkMovement('transfer', '', body);
  const terms = termsOf(body, now);
  const id = body.id ?? newId('transfer');
  const command = { id: groupOfOne(id), legs: [legOf(body, id, body.type)], ...terms };
  return {
    kind: 'transfer',
    type: 'payflow.group.post.v1',
    command,
    contentHash: body.id === undefined ? undefined : transferHash(command),
    commandId: newId('event'),
    accounts: [...accountsOf('', body), ...conditionAccounts(body)],
    units: unitsAmong([['/asset', body.asset]]),
    view: {
      ...pendingTransfer(caller, now, terms.effective_at),
      ...movementOf(body),
      id,
      type: body.type ?? null,
      metadata: terms.metadata,
    },
  };
}

/** The group of a body that has been read. Throws for what can never be. */
export function groupWrite(body: GroupRequest, caller: Caller, now: Date): GroupWrite {
  checkClientId('group', '/id', body.id);
  body.legs.forEach((leg, at) => checkMovement('transfer', `/legs/${at}`, leg));
  refuseTooManyAccounts(body.legs);
  refuseTooManyTypes(body);
  refuseRepeatedIds(body.legs);
  refuseGroupOfOne(body);
  const terms = termsOf(body, now);
  const id = body.id ?? newId('group');
  const pending = pendingTransfer(caller, now, terms.effective_at);
  const transfers = body.legs.map((leg, position): TransferView => {
    const own = { id: leg.id ?? newId('transfer'), group: id, position, type: leg.type ?? body.type ?? null };
    return { ...pending, ...movementOf(leg), ...own };
  });
  return {
    kind: 'group',
    type: 'payflow.group.post.v1',
    contentHash: groupHash(body, terms),
    command: {
      id,
      legs: body.legs.map((leg, at) => legOf(leg, transfers[at]?.id ?? '', leg.type ?? body.type)),
      ...terms,
    },
    commandId: newId('event'),
    accounts: [...body.legs.flatMap((leg, at) => accountsOf(`/legs/${at}`, leg)), ...conditionAccounts(body)],
    units: unitsAmong(body.legs.map(({ asset }, at) => [`/legs/${at}/asset`, asset])),
    view: { ...pending, id, metadata: terms.metadata, transfers },
  };
}

/** Ids that the client left to the gateway are not asked for; where it chose none, nobody can ask for the same again. */
function groupHash({ id, legs, type: common }: GroupRequest, terms: ReturnType<typeof termsOf>): Buffer | undefined {
  if (id === undefined && legs.every((leg) => leg.id === undefined)) return undefined;
  const asked = legs.map((leg) => ({ ...legOf(leg, '', leg.type ?? common), id: leg.id ?? null }));
  return contentHash('group', id ?? null, asked, ...hashedTerms(terms));
}

/** What stands beside the movements, as a hash takes it. */
function hashedTerms({ conditions, effective_at, metadata }: ReturnType<typeof termsOf>): unknown[] {
  return [conditions, effective_at, byName(metadata)];
}

/** The hash of a request for what a template comes to, which is another when the template is. */
export function templateHash(
  asked: { readonly id: string } & Terms & { readonly type: string },
  variables: object,
  now: Date,
) {
  return contentHash('template', asked.id, asked.type, byName({ ...variables }), ...hashedTerms(termsOf(asked, now)));
}

/** The group that carries a transfer asked for alone: nobody's resource, known by the transfer's own UUID. */
export function groupOfOne(transfer: string): string {
  return fromUuid('group', uuidOf('transfer', transfer));
}

/** What every transfer is before the ledger has spoken. */
export function pendingTransfer(caller: Caller, now: Date, effectiveAt: string | null = null) {
  return {
    tenant: caller.tenant,
    livemode: caller.livemode,
    status: 'pending' as const,
    group: null,
    position: null,
    payment: null,
    hold: null,
    reverses: null,
    reversed: '0',
    type: null,
    corrects: null,
    correctedBy: null,
    effectiveAt,
    rate: null,
    metadata: {},
    metadataVersion: 1,
    failure: null,
    traceId: caller.traceId ?? null,
    version: 0,
    createdAt: now.toISOString(),
    recordedAt: null,
  } satisfies Partial<TransferView>;
}

function movementOf({ debit_account: debitAccount, credit_account: creditAccount, amount, asset }: LegRequest) {
  return { debitAccount, creditAccount, amount, asset };
}

function legOf({ debit_account, credit_account, amount, asset, up_to }: LegRequest, id: string, type?: string) {
  const leg = { id, debit_account, credit_account, amount, asset, up_to: up_to ?? false };
  return type === undefined ? leg : { ...leg, type };
}

function termsOf({ conditions = [], effective_at, metadata = {} }: Terms, now: Date) {
  return { conditions: conditions.map(conditionOf), effective_at: effectiveOf(effective_at, now), metadata };
}

/** The instant for which the books shall show it, or null where none is given. Throws where it is none, or has not come. */
export function effectiveOf(text: string | undefined, now: Date): string | null {
  const effective = instantOf('/effective_at', text);
  if (effective !== null && effective > now.toISOString()) throw impossible('effective_in_future', '/effective_at');
  return effective;
}

/** A condition as the command has it. Throws where a bound is more than can be counted. */
export function conditionOf(condition: ConditionRequest, at: number): BalanceCondition {
  const { account, version = null, balance_gte = null, balance_lte = null } = condition;
  for (const [name, bound] of Object.entries({ balance_gte, balance_lte }))
    if (bound !== null && parseSignedAmount(bound) === undefined)
      throw wrong(`/conditions/${at}/${name}`, 'out_of_range', 'Must be within 9223372036854775807 of zero.');
  return { account, version, balance_gte, balance_lte };
}

export function conditionAccounts({ conditions = [] }: Pick<Terms, 'conditions'>): NamedAccount[] {
  return conditions.map(({ account: id }, at) => ({ pointer: `/conditions/${at}/account`, id, asset: null }));
}

/** By its UUID the ledger's answer tells a transfer that was asked for alone: the group would be nobody's, and wait for ever. */
function refuseGroupOfOne({ id, legs: [first, ...others] }: GroupRequest): void {
  if (others.length === 0 && id !== undefined && first?.id !== undefined && groupOfOne(first.id) === id)
    throw wrong('/legs/0/id', 'repeated', 'Must not have the UUID of the group, when it is its only leg.');
}

function refuseTooManyAccounts(legs: readonly LegRequest[]): void {
  const accounts = new Set(legs.flatMap(({ debit_account, credit_account }) => [debit_account, credit_account]));
  if (accounts.size > GROUP_ACCOUNTS_MAX) throw new Problem('group_too_large');
}

function refuseTooManyTypes({ type: common, legs }: GroupRequest): void {
  const types = new Set(legs.flatMap(({ type }) => type ?? common ?? []));
  if (types.size > GROUP_TYPES_MAX) throw new Problem('group_too_large');
}

function refuseRepeatedIds(legs: readonly LegRequest[]): void {
  const ids = new Set<string>();
  legs.forEach(({ id }, at) => {
    if (id === undefined) return;
    if (ids.has(id)) throw wrong(`/legs/${at}/id`, 'repeated', 'Another leg has this id.');
    ids.add(id);
  });
}
