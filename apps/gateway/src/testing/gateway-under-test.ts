import { randomUUID } from 'node:crypto';
import type { Database } from '@payflow/database';
import { statement } from '@payflow/database';
import type { BrokerOptions } from '@payflow/messaging';
import { readConfiguration, startService, type RunningService } from '@payflow/service';
import { until } from '@payflow/testing';
import { createApiKey, createTenant } from '../database/index.js';
import { SCOPES, type Scope } from '../domain/scope.js';
import { gatewayConfiguration } from '../gateway.config.js';
import { gatewayService } from '../gateway.service.js';

export interface Stack {
  /** URL as the gateway's own role. */
  readonly databaseUrl: string;
  readonly broker: BrokerOptions;
  readonly redisUrl: string;
  /** More of the environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** An HTTP answer, read. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** The real gateway inside the test's process, on a free port. */
export async function startGateway({
  databaseUrl,
  broker,
  redisUrl,
  env,
}: Stack): Promise<RunningService & { readonly base: string }> {
  const config = readConfiguration(gatewayConfiguration, {
    NODE_ENV: 'test',
    LOG_LEVEL: process.env['SPEC_LOG_LEVEL'] ?? 'silent',
    PORT: '0',
    OTEL_TRACES_EXPORTER: 'none',
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: broker.brokers.join(','),
    KAFKA_PREFIX: broker.prefix,
    REDIS_URL: redisUrl,
    // What stands in for an owner in a spec is a plain server of HTTP/1.1.
    PAYFLOW_INTERNAL_HTTP_VERSION: '1.1',
    ...env,
  });
  const running = await startService(gatewayService(), config);
  return { ...running, base: await running.app.getUrl() };
}

const ATTEMPTS_MAX = 50;
const RETRY_DELAY_MS = 100;

/** A tenant with a key, and the requests it makes. */
export class Client {
  private constructor(
    readonly tenant: string,
    readonly key: string,
    /** Where the gateway listens; may change when it is started again. */
    public base: string,
  ) {}

  static async of(db: Database, base: string, scopes: readonly Scope[] = SCOPES, livemode = false): Promise<Client> {
    const tenant = await createTenant(db, 'spec');
    return new Client(tenant, await createApiKey(db, { tenant, livemode, name: 'spec', scopes }), base);
  }

  /** Whoever has this key or token. */
  static with(tenant: string, key: string, base: string): Client {
    return new Client(tenant, key, base);
  }

  /** The same key's tenant in another role. */
  async withKey(db: Database, scopes: readonly Scope[], livemode = false): Promise<Client> {
    return new Client(
      this.tenant,
      await createApiKey(db, { tenant: this.tenant, livemode, name: 'spec', scopes }),
      this.base,
    );
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answered> {
    return this.send('GET', path, undefined, headers);
  }

  /** Posts JSON, or the given text or bytes as they are. An Idempotency-Key is made unless one is given; `''` sends none. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const { 'idempotency-key': key = randomUUID(), ...others } = headers;
    return this.send('POST', path, bytes, {
      'content-type': 'application/json',
      ...(key === '' ? {} : { 'idempotency-key': key }),
      ...others,
    });
  }

  /** {@link post} as a client should: after a 503 again, with the same key. */
  async postUntilTaken(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const key = { 'idempotency-key': randomUUID(), ...headers };
    for (let attempt = 1; ; attempt++) {
      const answer = await this.post(path, body, key);
      if (answer.status !== 503 || attempt === ATTEMPTS_MAX) return answer;
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }

  async send(
    method: string,
    path: string,
    body: string | Buffer | undefined,
    headers: Record<string, string>,
  ): Promise<Answered> {
    const answer = await fetch(`${this.base}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: parsed(text) };
  }

  /** Deletes, with an Idempotency-Key as {@link post} does. */
  delete(path: string, headers: Record<string, string> = {}): Promise<Answered> {
    const { 'idempotency-key': key = randomUUID(), ...others } = headers;
    return this.send('DELETE', path, undefined, { ...(key === '' ? {} : { 'idempotency-key': key }), ...others });
  }

  /** Patches with JSON, as {@link post} does. */
  patch(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const { 'idempotency-key': key = randomUUID(), ...others } = headers;
    return this.send('PATCH', path, JSON.stringify(body), {
      'content-type': 'application/json',
      ...(key === '' ? {} : { 'idempotency-key': key }),
      ...others,
    });
  }

  /** Opens an account and returns its id. */
  async open(asset = 'USD', more: Record<string, unknown> = {}): Promise<string> {
    const { status, body, text } = await this.postUntilTaken(
      '/api/v1/accounts',
      { asset, ...more },
      { prefer: 'wait=10' },
    );
    if (status !== 201 && status !== 202) throw new Error(`opening an account answered ${status} ${text}`);
    const id = body['id'] as string;
    // On a busy machine the consumers have not joined their group yet when the first one is opened.
    if (status === 202)
      await until(
        'the account is open',
        async () => (await this.get(`/api/v1/accounts/${id}`)).body['status'] === 'open',
      );
    return id;
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

const COUNTS = statement(
  'spec.counts',
  `select (select count(*) from idempotency_records)::integer as keys, (select count(*) from payment_views)::integer as payments,
     (select count(*) from account_views)::integer as accounts, (select count(*) from transfer_views)::integer as transfers,
     (select count(*) from transfer_group_views)::integer as groups, (select count(*) from hold_views)::integer as holds,
     (select count(*) from payment_operation_views)::integer as operations,
     (select coalesce(sum(sequence - 1), 0) from payment_views)::integer as places,
     (select count(*) from pending_writes)::integer as pending,
     (select coalesce(sum(message_count), 0) from outbox)::integer as messages`,
);

export interface Counts {
  readonly keys: number;
  readonly payments: number;
  readonly accounts: number;
  readonly transfers: number;
  readonly groups: number;
  readonly holds: number;
  readonly operations: number;
  /** Given to what was asked of payments. */
  readonly places: number;
  readonly pending: number;
  readonly messages: number;
}

/** How many rows of each kind there are: what a refused request must not change. */
export async function countRows(db: Database): Promise<Counts> {
  const [counts] = await db.rows<Counts>(COUNTS);
  return counts as Counts;
}
