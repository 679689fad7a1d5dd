import type { CardMethod } from '@payflow/contracts';
import type { Connector, ProviderAction } from '@payflow/connectors';
import type { Database } from '@payflow/database';
import { logger, OncePerInterval } from '@payflow/telemetry';
import { LRUCache } from 'lru-cache';
import { findRoutes, routedOutcomes } from '../database/route.repository.js';
import { route, type Explanation } from './route.js';
import type { Route } from './rule.js';
import { NOTHING_TRIED, TrackRecords } from './track-records.js';

/** What looks for a connector: an attempt as the worker has it. */
export interface RoutingWish {
  readonly tenant: string;
  readonly livemode: boolean;
  /** `pay_…` */
  readonly payment: string;
  readonly action: ProviderAction;
  readonly amount: bigint | null;
  readonly asset: string;
  readonly request: { readonly card?: CardMethod };
  /** Connectors that were asked for the same before. */
  readonly tried: readonly string[];
}

/** Whom to ask, and why it is they. */
export interface Routed {
  readonly connector: Connector;
  readonly explained: Explanation & { readonly tried: readonly string[] };
}

const log = logger('routing');

/** Some kilobytes each, in either mode: the organisations that are being paid. */
const TENANTS_MAX = 2_000;
/** So long after it was changed a route may still be gone by. */
const ROUTES_FRESH_MS = 5_000;
const COMPLAINT_MS = 60_000;

/** Routes what is to be sent. What it remembers decides who is asked, never whether money moves. */
export class Router {
  readonly #outside: readonly Connector[];
  readonly #routes: LRUCache<string, readonly Route[]>;
  /** Each organisation and mode by itself: none learns of another, nor is sent elsewhere by what another tries. */
  readonly #records = new LRUCache<string, TrackRecords>({ max: TENANTS_MAX });
  readonly #complaint = new OncePerInterval(COMPLAINT_MS);

  /** `db`: connections of another purpose than whoever routes within a transaction holds, or all of them may wait for each other. */
  constructor(
    private readonly db: Database,
    connectors: readonly Connector[],
    now: () => number = () => performance.now(),
  ) {
    this.#outside = connectors.filter(({ capabilities }) => capabilities.isOutside);
    this.#routes = new LRUCache({
      max: TENANTS_MAX,
      ttl: ROUTES_FRESH_MS,
      perf: { now },
      ttlResolution: 0,
      // Who comes when they are no longer fresh waits for the one statement: where hours pass between two payments, the second would
      // go by a route that was changed meanwhile. A database that is away stops nobody.
      allowStaleOnFetchRejection: true,
      noDeleteOnFetchRejection: true,
      fetchMethod: (key) => this.#load(key),
    });
  }

  /** The first in order that was not tried; undefined where nobody is left. */
  async choose(wish: RoutingWish): Promise<Routed | undefined> {
    const { tenant, livemode, payment, action, amount, asset, request, tried } = wish;
    const { card } = request;
    const own = this.#outside.filter(({ mode = 'both' }) => mode === 'both' || (mode === 'live') === livemode);
    const routes = await this.#routesOf(tenant, livemode);
    const isBySuccess = routes.some(({ prefer }) => prefer === 'success_rate');
    const records = isBySuccess ? await this.#recordsOf(tenant, livemode) : undefined;
    const explained = route(
      {
        paymentId: payment,
        method: card ? 'card' : 'internal',
        action,
        asset,
        amount: amount?.toString() ?? null,
        brand: card?.brand,
        country: card?.country,
      },
      routes,
      own,
      (name, window_min) => records?.of(name, window_min) ?? NOTHING_TRIED,
    );
    const next = explained.candidates.find(({ connector }) => !tried.includes(connector));
    const connector = own.find(({ name }) => name === next?.connector);
    return connector && { connector, explained: { ...explained, tried } };
  }

  async #routesOf(tenant: string, livemode: boolean): Promise<readonly Route[]> {
    return (await this.#routes.fetch(keyOf(tenant, livemode))) ?? [];
  }

  /** As they are known by now. Of organisations that do not go by success, nothing is asked. */
  async #recordsOf(tenant: string, livemode: boolean): Promise<TrackRecords> {
    const key = keyOf(tenant, livemode);
    let records = this.#records.get(key);
    if (!records) {
      records = new TrackRecords(
        (minutes) => routedOutcomes(this.db, { tenant, livemode }, minutes),
        (error) => this.#complain(error),
      );
      this.#records.set(key, records);
    }
    await records.refresh();
    return records;
  }

  async #load(key: string): Promise<readonly Route[]> {
    const [mode, tenant = ''] = key.split(' ');
    return findRoutes(this.db, tenant, mode === 'live');
  }

  #complain(error: unknown): void {
    this.#complaint.run((suppressed) =>
      log.warn({ err: error, suppressed }, 'how the connectors have done lately cannot be told'),
    );
  }
}

function keyOf(tenant: string, livemode: boolean): string {
  return `${livemode ? 'live' : 'test'} ${tenant}`;
}
