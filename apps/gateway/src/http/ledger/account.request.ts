import { ACCOUNT_KINDS, newId, type AccountKind, type Overdraft } from '@payflow/contracts';
import { Problem, type FieldProblem } from '@payflow/service';
import {
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Validate,
  ValidateIf,
  validateSync,
  ValidatorConstraint,
  type ValidationError,
  type ValidatorConstraintInterface,
} from 'class-validator';
import type { AccountWrite } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import { byName, contentHash } from '../writes/content-hash.js';
import { checkAssetCode, unitsAmong } from './named-asset.js';
import { amountOf, checkClientId, wrong } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';
import { beginningOf, isWithin } from '../edge/text-length.js';

const METADATA_KEYS_MAX = 50;
const METADATA_KEY_LENGTH_MAX = 64;
const METADATA_VALUE_LENGTH_MAX = 500;

const TEXT = 'Must be a string.';
const ONE_OF = 'Must be one of $constraint1.';

@ValidatorConstraint({ name: 'metadata' })
class IsMetadata implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    const entries = Object.entries(value ?? {});
    return (
      entries.length <= METADATA_KEYS_MAX &&
      entries.every(([key, text]) => {
        const keyFits = key.length >= 1 && isWithin(key, METADATA_KEY_LENGTH_MAX);
        return keyFits && typeof text === 'string' && isWithin(text, METADATA_VALUE_LENGTH_MAX);
      })
    );
  }

  defaultMessage(): string {
    return `Must have at most ${METADATA_KEYS_MAX} keys with strings of at most ${METADATA_VALUE_LENGTH_MAX} characters.`;
  }
}

/** `POST /api/v1/accounts` */
class AccountRequest {
  // Not `IsOptional`, to which null is nothing: whoever means to choose an id must not get another.
  @ValidateIf((_request, id) => id !== undefined)
  @IsString({ message: TEXT })
  id?: string;

  @IsOptional()
  @IsString({ message: TEXT })
  @Length(1, 255, { message: 'Must have 1 to 255 characters.' })
  @Matches(/^[\x21-\x7e]+$/, { message: 'Must be visible ASCII, without blanks.' })
  path?: string;

  @IsString({ message: TEXT })
  @Length(1, 12, { message: 'Must have 1 to 12 characters.' })
  asset!: string;

  @IsOptional()
  @IsIn(ACCOUNT_KINDS, { message: ONE_OF })
  kind?: AccountKind;

  @IsOptional()
  @IsIn(['none', 'limited', 'unbounded'], { message: ONE_OF })
  overdraft?: Overdraft;

  @IsOptional()
  @IsString({ message: TEXT })
  @Matches(/^(0|[1-9][0-9]{0,18})$/, { message: 'Must be minor units, as digits.' })
  overdraft_limit?: string;

  @IsOptional()
  @IsObject({ message: 'Must be an object.' })
  @Validate(IsMetadata)
  metadata?: Record<string, string>;
}

const FIELDS: ReadonlySet<string> = new Set([
  'id',
  'path',
  'asset',
  'kind',
  'overdraft',
  'overdraft_limit',
  'metadata',
] satisfies (keyof AccountRequest)[]);

/** Checks a body and makes the account of it. Throws 400 for a wrong shape, 403 and 422 for what is not allowed. */
export function accountWrite(body: JsonObject, caller: Caller, now: Date): AccountWrite {
  const request = validated(body);
  refuseImpossible(request, caller);
  const created_at = now.toISOString();
  const facts = {
    id: request.id ?? newId('account'),
    path: request.path ?? null,
    asset: request.asset,
    kind: request.kind ?? 'liability',
    overdraft: request.overdraft ?? 'none',
    metadata: request.metadata ?? {},
  };
  const untouched = { postedDebits: 0n, postedCredits: 0n, pendingDebits: 0n, pendingCredits: 0n, version: 0 };
  return {
    kind: 'account',
    type: 'payflow.account.open.v1',
    command: { ...facts, overdraft_limit: request.overdraft_limit ?? '0', created_at },
    units: unitsAmong([['/asset', request.asset]]),
    contentHash: request.id === undefined ? undefined : hashOf(facts, request.overdraft_limit ?? '0'),
    view: {
      ...facts,
      overdraftLimit: BigInt(request.overdraft_limit ?? '0'),
      ...untouched,
      tenant: caller.tenant,
      livemode: caller.livemode,
      status: 'pending',
      createdAt: created_at,
      updatedAt: created_at,
    },
  };
}

function hashOf(
  {
    path,
    asset,
    kind,
    overdraft,
    metadata,
  }: Pick<AccountWrite['command'], 'path' | 'asset' | 'kind' | 'overdraft' | 'metadata'>,
  limit: string,
): Buffer {
  return contentHash('account', path, asset, kind, overdraft, limit, byName(metadata));
}

function validated(body: JsonObject): AccountRequest {
  // Before anything is copied: class-validator finds its rules through `constructor`, which is also a key one can send.
  const unknown = Object.keys(body).filter((name) => !FIELDS.has(name));
  const request = Object.assign(new AccountRequest(), unknown.length > 0 ? {} : body);
  const errors = unknown.length > 0 ? unknown.map(unknownField) : validateSync(request).map(toFieldProblem);
  if (errors.length > 0) throw new Problem('invalid_request', { errors });
  return request;
}

function unknownField(name: string): FieldProblem {
  return { pointer: `/${beginningOf(name, 64)}`, code: 'unknown', detail: 'There is no such member here.' };
}

function refuseImpossible({ id, asset, ...overdraft }: AccountRequest, caller: Caller): void {
  checkClientId('account', '/id', id ?? undefined);
  checkAssetCode('/asset', asset);
  checkOverdraft(overdraft, caller);
}

/** Throws where an overdraft lacks its limit or a limit its overdraft, and where the caller may not allow one. */
export function checkOverdraft(
  { overdraft, overdraft_limit: limit }: { readonly overdraft?: Overdraft; readonly overdraft_limit?: string },
  { scopes }: Caller,
): void {
  const [isLimited, hasLimit] = [overdraft === 'limited', limit !== undefined && limit !== null];
  if (isLimited !== hasLimit)
    throw wrong(
      '/overdraft_limit',
      isLimited ? 'missing' : 'not_allowed',
      'Goes with the overdraft `limited`, and only with it.',
    );
  if (limit) amountOf('/overdraft_limit', limit);
  if (overdraft && overdraft !== 'none' && !scopes.includes('accounts:admin'))
    throw new Problem('forbidden', { detail: 'An overdraft needs the scope accounts:admin.' });
}

const CODES: Readonly<Record<string, string>> = {
  isString: 'wrong_type',
  isObject: 'wrong_type',
  isIn: 'not_supported',
};

function toFieldProblem({ property, value, constraints = {} }: ValidationError): FieldProblem {
  const pointer = `/${property}`;
  if (value === undefined) return { pointer, code: 'missing', detail: 'Must be given.' };
  // That it is of another type explains why the other rules are broken.
  const rules = Object.keys(constraints);
  const rule = rules.find((one) => CODES[one] === 'wrong_type') ?? rules[0] ?? 'malformed';
  return { pointer, code: CODES[rule] ?? 'malformed', detail: constraints[rule] ?? rule };
}
