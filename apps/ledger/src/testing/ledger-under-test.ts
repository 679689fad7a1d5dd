import { statement } from '@payflow/database';
import { internalHeaders } from '@payflow/invariants';
import type { AnyOutgoing } from '@payflow/messaging';
import { readConfiguration, signInternalToken, startService, type RunningService } from '@payflow/service';
import { createTestDatabase, createTestTopics, testServers, uniqueSuffix, type TestDatabase } from '@payflow/testing';
import { invariants, migrations } from '../database/index.js';
import type { Owner } from '../domain/book.js';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { ledgerConfiguration } from '../ledger.config.js';
import { LedgerModule } from '../ledger.module.js';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The real ledger inside the test's process, with a database of its own. */
export class LedgerUnderTest {
  private constructor(
    readonly db: TestDatabase,
    readonly running: RunningService,
    private readonly base: string,
    private readonly secret: string,
  ) {}

  /** `checked`: the invariants that it looks at while it runs, each of which rests for as long as all of them would take. */
  static async open(checked = invariants, database = createTestDatabase): Promise<LedgerUnderTest> {
    const prefix = `${uniqueSuffix()}.`;
    const brokers = testServers().kafka;
    const [db] = await Promise.all([
      database('ledger', migrations),
      createTestTopics({ brokers, clientId: 'spec', prefix }),
    ]);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    const config = readConfiguration(ledgerConfiguration, {
      NODE_ENV: 'test',
      OTEL_TRACES_EXPORTER: 'none',
      LOG_LEVEL: 'silent',
      PORT: '0',
      DATABASE_URL: db.url,
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_PREFIX: prefix,
    });
    const service = {
      forwardedReads: true,
      configuration: ledgerConfiguration,
      module: () => LedgerModule.with(config, checked),
    };
    const running = await startService(service, config);
    return new LedgerUnderTest(db, running, await running.app.getUrl(), config.PAYFLOW_INTERNAL_SECRET);
  }

  async close(): Promise<void> {
    await this.running.stop();
    await this.db.drop();
  }

  /** What the ledger says to one batch. */
  async handle(commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> {
    const handler = new LedgerCommandsHandler();
    return (await this.db.database.transaction((tx) => handler.handle(commands, tx))).messages;
  }

  /** A read as the gateway forwards it. */
  read(owner: Owner, path: string, scopes = ['accounts:read']): Promise<Answer> {
    return this.fetch(owner, path, scopes);
  }

  /** A question as the gateway asks it. */
  ask(owner: Owner, path: string, question: object, scopes = ['transfers:write']): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    return this.fetch(owner, path, scopes, { method: 'POST', headers, body: JSON.stringify(question) });
  }

  /** What it tells monitoring. */
  async internal<T>(path: string): Promise<T> {
    const { origin } = new URL(this.base);
    const headers = internalHeaders(this.secret, 'spec');
    return (await (await fetch(`${origin}/internal/${path}`, { headers })).json()) as T;
  }

  private async fetch(
    { tenant, livemode }: Owner,
    path: string,
    scopes: string[],
    { headers = {}, ...options }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> {
    const token = signInternalToken(this.secret, { tenant, livemode, actor: 'key_spec', scopes }, Date.now());
    const url = `${this.base}/api/v1/${path}`;
    const answer = await fetch(url, { ...options, headers: { ...headers, authorization: `Bearer ${token}` } });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }
}
