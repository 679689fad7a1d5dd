import {
  DAY_MS,
  HOUR_MS,
  jsonCodec,
  LONG_MS,
  MEDIUM_MS,
  SHORT_MS,
  type Codec,
  type Family,
  type MemoryLimits,
} from '@payflow/cache';
import type { ApiKey } from '../database/api-key.repository.js';
import type { TestSpace } from '../database/test-space.repository.js';
import type { AccessToken } from '../database/session.repository.js';
import { keyOf, type Owner, type ResourceKey } from '../database/keys.js';
import type { AccountView } from '../domain/account.js';
import type { UnitView } from '../domain/asset.js';
import { isFinal, type PaymentView } from '../domain/payment.js';
import type { KeptResponse, ResponseKey } from './response.js';

/**
 * Everything the gateway caches, and for how long. Tenant and mode are part of every key. What has no model yet
 * (settings, thresholds) has no family: it gets one here together with its table.
 */

/** What a cached thing depends on; handlers forget these once they have committed a change. */
export const TAGS = {
  apiKey: (hash: string) => `key:${hash}`,
  testSpace: (organisation: string) => `test_space:${organisation}`,
  accessToken: (hash: string) => `token:${hash}`,
  payment: (key: ResourceKey) => `payment:${keyOf(key)}`,
  account: (key: ResourceKey) => `account:${keyOf(key)}`,
  asset: (key: ResourceKey) => `asset:${keyOf(key)}`,
  /** All that the gateway keeps of an owner: for lists of it, and for what has no tag of its own. */
  views: ({ tenant, livemode }: Owner) => `views:${tenant}/${livemode ? 'live' : 'test'}`,
  /** All of an owner's accounts: for what is summed over many. */
  books: ({ tenant, livemode }: Owner) => `books:${tenant}/${livemode ? 'live' : 'test'}`,
} as const;

const MEGABYTE = 1024 * 1024;
/** What changes by events is believed for so long in one process, even if nobody says anything. */
const CHANGING_MEMORY: MemoryLimits = { life_ms: 10_000, entries_max: 20_000, bytes_max: 16 * MEGABYTE, unheard_ms: 0 };

/** By the hash of the key, never the key. What revokes a key says so; its life is how long one may open the door that did not hear it. */
export const API_KEY: Family<string, ApiKey> = {
  name: 'api_key',
  version: 4,
  keyOf: (hash) => hash,
  tagsOf: (hash) => [TAGS.apiKey(hash)],
  codec: jsonCodec<ApiKey>(),
  life_ms: SHORT_MS / 2,
  // As long as an entry lives here anyway: a revocation that is not heard is known as late as one was before it was told.
  memory: { life_ms: 10_000, entries_max: 10_000, bytes_max: 4 * MEGABYTE, unheard_ms: 10_000 },
  absent_ms: 10_000,
  // A known key is let in while the database restarts: what it then asks for is decided by itself.
  ifError_ms: SHORT_MS,
  warm_max: 100,
};

/** Where an organisation's test data stands. A reset says so to all; where nobody can be told, it is believed for as long as a key. */
export const TEST_SPACE: Family<string, TestSpace> = {
  name: 'test_space',
  version: 1,
  keyOf: (organisation) => organisation,
  tagsOf: (organisation) => [TAGS.testSpace(organisation)],
  codec: jsonCodec<TestSpace>(),
  life_ms: SHORT_MS / 2,
  memory: { life_ms: 10_000, entries_max: 10_000, bytes_max: 2 * MEGABYTE, unheard_ms: 10_000 },
  ifError_ms: SHORT_MS,
  warm_max: 100,
};

/** By the hash of the token. Each has an end of its own within a quarter of an hour. */
export const ACCESS_TOKEN: Family<string, AccessToken> = {
  name: 'access_token',
  version: 1,
  keyOf: (hash) => hash,
  tagsOf: (hash) => [TAGS.accessToken(hash)],
  codec: jsonCodec<AccessToken>(),
  life_ms: SHORT_MS / 2,
  memory: { life_ms: 10_000, entries_max: 10_000, bytes_max: 4 * MEGABYTE, unheard_ms: 5_000 },
  absent_ms: 10_000,
  ifError_ms: SHORT_MS,
};

/** Only those that have ended: the others change at any moment, and somebody waits for it. */
export const PAYMENT: Family<ResourceKey, PaymentView> = {
  name: 'payment',
  version: 2,
  keyOf,
  tagsOf: (key) => [TAGS.payment(key)],
  codec: jsonCodec<PaymentView>(),
  life_ms: LONG_MS,
  memory: { life_ms: MEDIUM_MS, entries_max: 20_000, bytes_max: 16 * MEGABYTE, unheard_ms: 5_000 },
  ifError_ms: LONG_MS,
  keeps: isFinal,
};

/** Terms and counters as the view has them. Shown, and never decided on. */
export const ACCOUNT: Family<ResourceKey, AccountView> = {
  name: 'account',
  version: 1,
  keyOf,
  tagsOf: (key) => [TAGS.account(key)],
  codec: accountCodec(),
  life_ms: SHORT_MS,
  memory: CHANGING_MEMORY,
  keeps: ({ status }) => status !== 'pending',
  refreshAhead: { hits_min: 20 },
  warm_max: 200,
};

/** A tenant's own unit. It never changes, so an old one is as good as a new one. */
export const ASSET: Family<ResourceKey, UnitView> = {
  name: 'asset',
  version: 1,
  keyOf,
  tagsOf: (key) => [TAGS.asset(key)],
  codec: jsonCodec<UnitView>(),
  life_ms: DAY_MS,
  memory: { life_ms: HOUR_MS, entries_max: 10_000, bytes_max: 2 * MEGABYTE, unheard_ms: HOUR_MS },
  whileRevalidate_ms: HOUR_MS,
  ifError_ms: DAY_MS,
};

/** Whole answers: balances, pages of an account's history, statements and sums that the ledger gives. */
export const RESPONSE: Family<ResponseKey, KeptResponse> = {
  name: 'response',
  version: 1,
  keyOf: ({ owner, request }) => `${keyOf({ ...owner, id: request })}`,
  tagsOf: ({ tags }) => tags,
  codec: jsonCodec<KeptResponse>(),
  life_ms: SHORT_MS,
  memory: { ...CHANGING_MEMORY, entries_max: 5_000, bytes_max: 32 * MEGABYTE },
  ifError_ms: SHORT_MS,
  keeps: (response) => response.kind === 'answer',
};

/**
 * Whole answers of the gateway's own: pages of its lists, and what is read alone. Any change of the owner's makes them void, for
 * a list shows what others make of it. Reading them anew takes a millisecond or two, so they are not worth Redis.
 */
export const VIEW: Family<ResponseKey, KeptResponse> = {
  ...RESPONSE,
  name: 'view',
  inRedis: false,
  life_ms: MEDIUM_MS,
  memory: { life_ms: MEDIUM_MS, entries_max: 5_000, bytes_max: 16 * MEGABYTE, unheard_ms: 0 },
};

const COUNTERS = ['overdraftLimit', 'postedDebits', 'postedCredits', 'pendingDebits', 'pendingCredits'] as const;

/** JSON has no integers of our size: they go as digits. */
function accountCodec(): Codec<AccountView> {
  return {
    encode: (view) =>
      JSON.stringify({ ...view, ...Object.fromEntries(COUNTERS.map((name) => [name, view[name].toString()])) }),
    decode: (text) => {
      const view = JSON.parse(text) as AccountView;
      return { ...view, ...Object.fromEntries(COUNTERS.map((name) => [name, BigInt(view[name])])) };
    },
  };
}
