import type { RedisConnection } from '@payflow/cache';
import { RESPONSE, TAGS } from '../cache/catalogue.js';
import { GatewayCaches } from '../cache/gateway-caches.js';
import type { KeptResponse, ResponseKey } from '../cache/response.js';
import { findAccount } from '../database/account-view.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { findPayment, listPayments } from '../database/payment-view.repository.js';
import { accountResource } from '../domain/account.js';
import { paymentResource } from '../domain/payment.js';
import type { Views } from './views.js';

export type Kind = 'balance' | 'payment' | 'history';

/** A way to answer a read: with the body that goes to the client. */
export interface Reads {
  readonly name: string;
  read(kind: Kind, key: ResourceKey): Promise<string>;
}

type PageKey = ResponseKey & { readonly account: ResourceKey };

const PAGE = 50;
const NAIVE_LIFE_S = 60;

/** Straight from Postgres, as without any cache. */
export function uncached({ db }: Views): Reads {
  const read: Reads['read'] = async (kind, key) => {
    switch (kind) {
      case 'balance':
        return JSON.stringify(present(await findAccount(db, key), accountResource));
      case 'payment':
        return JSON.stringify(present(await findPayment(db, key), paymentResource));
      case 'history': {
        const page = await listPayments(db, key, { filter: { source: key.id }, after: undefined, limit: PAGE });
        return JSON.stringify({ data: page.map(paymentResource), next_cursor: null });
      }
      default:
        return kind satisfies never;
    }
  };
  return { name: 'uncached', read };
}

/** What most would write: GET, and on a miss load and SET with a time to live. It forgets nothing, and never says that it loads. */
export function naive(views: Views, redis: RedisConnection): Reads {
  const from = uncached(views);
  const read: Reads['read'] = async (kind, key) => {
    const name = `naive:${kind}:${keyOf(key)}`;
    const known = await redis.attempt((client) => client.get(name));
    if (known) return known;
    const body = await from.read(kind, key);
    await redis.attempt((client) => client.set(name, body, 'EX', NAIVE_LIFE_S));
    return body;
  };
  return { name: 'naive', read };
}

/** The product's caches, its families and its loads. */
export function cached(views: Views, redis: RedisConnection, url: string): Reads & { readonly caches: GatewayCaches } {
  const caches = new GatewayCaches(views.db, redis, url);
  const from = uncached(views);
  const pages = caches.all.of<PageKey, KeptResponse>(RESPONSE, async ({ account }) => ({
    kind: 'answer',
    headers: {},
    body: await from.read('history', account),
  }));
  const read: Reads['read'] = async (kind, key) => {
    switch (kind) {
      case 'balance':
        return JSON.stringify(present(await caches.accounts.get(key), accountResource));
      case 'payment':
        return JSON.stringify(present(await caches.payments.get(key), paymentResource));
      case 'history': {
        const page = await pages.get({
          owner: key,
          request: `history ${key.id}`,
          tags: [TAGS.account(key)],
          account: key,
        });
        return page?.kind === 'answer' ? page.body : '';
      }
      default:
        return kind satisfies never;
    }
  };
  return { name: 'cached', read, caches };
}

function present<V, R>(view: V | undefined, resource: (view: V) => R): R {
  if (view === undefined) throw new Error('a row of the benchmark is missing');
  return resource(view);
}
