import { Caches, type LayeredCache, type RedisConnection } from '@payflow/cache';
import type { Database } from '@payflow/database';
import { unavailable } from '@payflow/service';
import { findAccount } from '../database/account-view.repository.js';
import { findApiKey, type ApiKey } from '../database/api-key.repository.js';
import { keyOf, seenBy, type ResourceKey } from '../database/keys.js';
import { findPayment } from '../database/payment-view.repository.js';
import { findTestSpace, type TestSpace } from '../database/test-space.repository.js';
import { findUnits } from '../database/unit-view.repository.js';
import { findAccessToken, type AccessToken } from '../database/session.repository.js';
import type { AccountView } from '../domain/account.js';
import type { UnitView } from '../domain/asset.js';
import type { PaymentView } from '../domain/payment.js';
import { ACCESS_TOKEN, ACCOUNT, API_KEY, ASSET, PAYMENT, TEST_SPACE } from './catalogue.js';

/** All keys and channels of the gateway in Redis, and all that its user there may touch. */
export const REDIS_PREFIX = 'payflow:gateway:';

/** Two thirds of the pool: with the caches gone, writes and consumers still have the rest. */
const LOADS_MAX = 8;
/** Beyond it a reader is told to come back: each would wait longer than it should. */
const LOADS_WAITING_MAX = 500;

/** The gateway's caches of what it keeps itself, each read through to the view that is the truth. */
export class GatewayCaches {
  readonly all: Caches;
  readonly apiKeys: LayeredCache<string, ApiKey>;
  readonly testSpaces: LayeredCache<string, TestSpace>;
  readonly accessTokens: LayeredCache<string, AccessToken>;
  readonly payments: LayeredCache<ResourceKey, PaymentView>;
  readonly accounts: LayeredCache<ResourceKey, AccountView>;
  readonly assets: LayeredCache<ResourceKey, UnitView>;

  constructor(db: Database, redis: RedisConnection, url: string) {
    this.all = new Caches({
      redis,
      url,
      prefix: REDIS_PREFIX,
      loads: { running_max: LOADS_MAX, waiting_max: LOADS_WAITING_MAX, refuse: () => unavailable() },
    });
    this.apiKeys = this.all.of(API_KEY, (hash) => findApiKey(db, Buffer.from(hash, 'hex')));
    this.testSpaces = this.all.of(TEST_SPACE, (organisation) => findTestSpace(db, organisation));
    this.accessTokens = this.all.of(ACCESS_TOKEN, (hash) => findAccessToken(db, Buffer.from(hash, 'hex')));
    this.payments = this.all.of(PAYMENT, (key) => findPayment(db, key));
    this.accounts = this.all.of(ACCOUNT, (key) => findAccount(db, key));
    this.assets = this.all.of(ASSET, async (key) => (await findUnits(seenBy(db, key), [key])).get(keyOf(key)));
  }
}
