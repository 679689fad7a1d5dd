import type { Service } from '@payflow/contracts';
import type { DatabaseReport, StatementCount } from '@payflow/database';
import type { CheckResult, ReaderPosition, TallyReport } from '@payflow/invariants';
import { TimedOut } from '@payflow/resilience';
import type { HealthReport } from '@payflow/service';
import type { InternalClient } from './internal-client.js';
import type { Readiness } from './picture.js';

const TIMEOUT_MS = 1_500;
/** Tallies are summed when asked for. */
const TALLIES_TIMEOUT_MS = 5_000;
/** A database is asked about when it is busy, and then its catalogues take longer. Well below what the gateway waits for monitoring. */
const DATABASE_TIMEOUT_MS = 10_000;

export interface ReadinessAnswer {
  readonly status: Readiness;
  readonly reasons: readonly string[];
}

/** Reads what another service tells about itself. */
export class ServiceReader {
  constructor(private readonly client: InternalClient) {}

  get service(): Service {
    return this.client.service;
  }

  /** Never throws: a service that does not answer is down, and why is the answer. */
  async readiness(): Promise<ReadinessAnswer> {
    try {
      const answer = await this.client.ask('/readyz', TIMEOUT_MS);
      if (answer.status !== 200 && answer.status !== 503)
        return { status: 'down', reasons: [`/readyz answered ${answer.status}`] };
      const { status, checks } = JSON.parse(answer.text) as HealthReport;
      const failing = checks.filter((check) => check.status === 'down');
      return { status, reasons: failing.map(({ name, reason }) => `${name}: ${reason ?? 'down'}`) };
    } catch (error) {
      return { status: 'down', reasons: [reasonOf(error)] };
    }
  }

  async positions(): Promise<readonly ReaderPosition[]> {
    return (await this.client.json<{ data: readonly ReaderPosition[] }>('/internal/positions', TIMEOUT_MS)).data;
  }

  async invariants(): Promise<readonly CheckResult[]> {
    return (await this.client.json<{ data: readonly CheckResult[] }>('/internal/invariants', TIMEOUT_MS)).data;
  }

  tallies(): Promise<TallyReport> {
    return this.client.json<TallyReport>('/internal/tallies', TALLIES_TIMEOUT_MS);
  }

  databaseReport(): Promise<DatabaseReport> {
    return this.client.json<DatabaseReport>('/internal/database', DATABASE_TIMEOUT_MS);
  }

  /** Null where the service cannot read them. */
  async statements(): Promise<readonly StatementCount[] | null> {
    const { data } = await this.client.json<{ data: readonly StatementCount[] | null }>(
      '/internal/statements',
      DATABASE_TIMEOUT_MS,
    );
    return data;
  }

  async metrics(): Promise<string> {
    const answer = await this.client.ask('/metrics', TIMEOUT_MS);
    if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
    return answer.text;
  }
}

/** fetch hides the reason in its cause. */
export function reasonOf(error: unknown): string {
  if (error instanceof TimedOut) return 'timeout';
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown };
  if (typeof cause?.code === 'string') return cause.code;
  return typeof name === 'string' ? name : 'error';
}
