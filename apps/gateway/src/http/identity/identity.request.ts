import { idPattern, toUuid } from '@payflow/contracts';
import type { FieldProblem } from '@payflow/service';
import { Problem } from '@payflow/service';
import { API_KEY_STATUSES } from '../../domain/api-key.js';
import { API_VERSION, API_VERSIONS } from '../../domain/api-version.js';
import { isAddressBlock } from '../edge/address-list.js';
import { ROLES, type Role } from '../../domain/role.js';
import { SCOPES, type Scope } from '../../domain/scope.js';
import type { KeyFilter } from '../../database/managed-key.repository.js';
import type { SessionFilter } from '../../database/session.repository.js';
import type { UserFilter } from '../../database/user.repository.js';
import type { KeyChange, KeyToMake } from '../../identity/api-keys.js';
import { tokenPattern } from '../../identity/tokens.js';
import type { UserChange, UserToMake } from '../../identity/users.js';
import type { FilterReaders } from '../lists/list-filters.js';
import { bodyReader, INSTANT_SCHEMA, instantOf, wrong } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

const EMAIL_LENGTH_MAX = 254;
const ADDRESSES_MAX = 50;
const OVERLAP_DEFAULT_S = 86_400;
const OVERLAP_MAX_S = 7 * 86_400;

/** Of a new one. NIST 800-63B: length is what counts, not which characters; the upper bound is what we are willing to hash. */
const NEW_PASSWORD = { type: 'string', minLength: 12, maxLength: 128 } as const;
/** Of one that is only compared. */
const GIVEN_PASSWORD = { type: 'string', minLength: 1, maxLength: 128 } as const;
const EMAIL = {
  type: 'string',
  maxLength: EMAIL_LENGTH_MAX,
  pattern: '^[!-?A-~]{1,64}@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$',
} as const;
const NAME = { type: 'string', minLength: 1, maxLength: 200 } as const;
const ADDRESSES = { type: 'array', maxItems: ADDRESSES_MAX, items: { type: 'string', maxLength: 49 } } as const;
const closed = { type: 'object', additionalProperties: false } as const;

export const LOGIN_REQUEST_SCHEMA = {
  ...closed,
  required: ['email', 'password'],
  properties: {
    email: { type: 'string', minLength: 1, maxLength: EMAIL_LENGTH_MAX },
    password: GIVEN_PASSWORD,
    organisation: { type: 'string', pattern: idPattern('tenant') },
    livemode: { type: 'boolean', default: false },
  },
} as const;

export const REFRESH_REQUEST_SCHEMA = {
  ...closed,
  required: ['refresh_token'],
  properties: { refresh_token: { type: 'string', pattern: tokenPattern('rt') } },
} as const;

export const INVITATION_REQUEST_SCHEMA = {
  ...closed,
  required: ['invitation_token', 'password'],
  properties: {
    invitation_token: { type: 'string', pattern: tokenPattern('inv') },
    password: NEW_PASSWORD,
    livemode: { type: 'boolean', default: false },
  },
} as const;

export const PASSWORD_REQUEST_SCHEMA = {
  ...closed,
  required: ['current_password', 'password'],
  properties: { current_password: GIVEN_PASSWORD, password: NEW_PASSWORD },
} as const;

export const USER_REQUEST_SCHEMA = {
  ...closed,
  required: ['email', 'role'],
  properties: { email: EMAIL, name: NAME, role: { enum: ROLES }, password: NEW_PASSWORD },
} as const;

export const USER_UPDATE_REQUEST_SCHEMA = {
  ...closed,
  minProperties: 1,
  properties: { name: NAME, role: { enum: ROLES }, disabled: { type: 'boolean' } },
} as const;

export const API_KEY_REQUEST_SCHEMA = {
  ...closed,
  required: ['name', 'scopes'],
  properties: {
    name: NAME,
    scopes: { type: 'array', minItems: 1, maxItems: SCOPES.length, uniqueItems: true, items: { enum: SCOPES } },
    allowed_addresses: ADDRESSES,
    api_version: { enum: API_VERSIONS },
    expires_at: INSTANT_SCHEMA,
  },
} as const;

export const API_KEY_UPDATE_REQUEST_SCHEMA = {
  ...closed,
  minProperties: 1,
  properties: { name: NAME, allowed_addresses: ADDRESSES, api_version: { enum: API_VERSIONS } },
} as const;

export const API_KEY_ROTATION_REQUEST_SCHEMA = {
  ...closed,
  properties: { overlap_seconds: { type: 'integer', minimum: 0, maximum: OVERLAP_MAX_S, default: OVERLAP_DEFAULT_S } },
} as const;

interface LoginRequest {
  readonly email: string;
  readonly password: string;
  readonly organisation?: string;
  readonly livemode?: boolean;
}

export const readLogin = bodyReader<LoginRequest>(LOGIN_REQUEST_SCHEMA);
export const readRefresh = bodyReader<{ readonly refresh_token: string }>(REFRESH_REQUEST_SCHEMA);
export const readInvitation = bodyReader<{
  readonly invitation_token: string;
  readonly password: string;
  readonly livemode?: boolean;
}>(INVITATION_REQUEST_SCHEMA);
export const readPasswordChange = bodyReader<{ readonly current_password: string; readonly password: string }>(
  PASSWORD_REQUEST_SCHEMA,
);
const readUserBody = bodyReader<{
  readonly email: string;
  readonly name?: string;
  readonly role: Role;
  readonly password?: string;
}>(USER_REQUEST_SCHEMA);
export const readUserChange = bodyReader<UserChange>(USER_UPDATE_REQUEST_SCHEMA);
const readKeyBody = bodyReader<{
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly allowed_addresses?: readonly string[];
  readonly api_version?: string;
  readonly expires_at?: string;
}>(API_KEY_REQUEST_SCHEMA);
const readKeyUpdate = bodyReader<{
  readonly name?: string;
  readonly allowed_addresses?: readonly string[];
  readonly api_version?: string;
}>(API_KEY_UPDATE_REQUEST_SCHEMA);
const readRotation = bodyReader<{ readonly overlap_seconds?: number }>(API_KEY_ROTATION_REQUEST_SCHEMA);

/** The body of a request that has nothing to say: none, or an empty object. */
export const readNothing = bodyReader<object>({ ...closed, properties: {} });

/** E-mail addresses are compared, and kept, in lower case. */
export function canonicalEmail(email: string): string {
  return email.toLowerCase();
}

/** Reads a user to be. */
export function readUser(json: JsonObject): UserToMake {
  const { email, name, role, password } = readUserBody(json);
  const canonical = canonicalEmail(email);
  if (password?.toLowerCase() === canonical) throw wrong('/password', 'malformed', 'Must not be the e-mail address.');
  return { email: canonical, name: name ?? canonical, role, password };
}

/** Reads a key to be. Throws where it would end before it began, or be bound to what is no address. */
export function readKey(json: JsonObject, now: Date): KeyToMake {
  const { name, scopes, allowed_addresses, api_version = API_VERSION, expires_at } = readKeyBody(json);
  const expiresAt = instantOf('/expires_at', expires_at);
  if (expiresAt !== null && Date.parse(expiresAt) <= now.getTime())
    throw wrong('/expires_at', 'out_of_range', 'Must be in the future.');
  return { name, scopes, allowedAddresses: addressesOf(allowed_addresses ?? []), apiVersion: api_version, expiresAt };
}

export function readKeyChange(json: JsonObject): KeyChange {
  const { name, allowed_addresses, api_version } = readKeyUpdate(json);
  return {
    ...(name === undefined ? {} : { name }),
    ...(allowed_addresses ? { allowedAddresses: addressesOf(allowed_addresses) } : {}),
    ...(api_version === undefined ? {} : { apiVersion: api_version }),
  };
}

/** For how long the old key goes on, seconds. */
export function readOverlap(json: JsonObject): number {
  return readRotation(json).overlap_seconds ?? OVERLAP_DEFAULT_S;
}

function addressesOf(blocks: readonly string[]): readonly string[] {
  const errors = blocks.flatMap((block, at): FieldProblem[] =>
    isAddressBlock(block)
      ? []
      : [
          {
            pointer: `/allowed_addresses/${at}`,
            code: 'malformed',
            detail: 'Must be an address or a CIDR block, such as 192.0.2.0/24 or 2001:db8::/32.',
          },
        ],
  );
  if (errors.length > 0) throw new Problem('invalid_request', { errors });
  return blocks;
}

const oneOf =
  (words: readonly string[]) =>
  (text: string): { readonly value: string } | { readonly mustBe: string } =>
    words.includes(text) ? { value: text } : { mustBe: `one of ${words.join(', ')}` };

export const USER_FILTERS: FilterReaders<UserFilter> = {
  email: {
    name: 'email',
    read: (text) =>
      text.length <= EMAIL_LENGTH_MAX && text.isWellFormed() && !text.includes('\0')
        ? { value: canonicalEmail(text) }
        : { mustBe: `at most ${EMAIL_LENGTH_MAX} characters` },
  },
  role: { name: 'role', read: oneOf(ROLES) },
};

export const API_KEY_FILTERS: FilterReaders<KeyFilter> = {
  status: { name: 'status', read: oneOf(API_KEY_STATUSES) },
};

export const SESSION_FILTERS: FilterReaders<SessionFilter> = {
  user: {
    name: 'user',
    read: (text) => (toUuid('user', text) ? { value: text } : { mustBe: 'an id of a user' }),
  },
};
