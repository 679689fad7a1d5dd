import type { Service } from '@payflow/contracts';
import type { DatabaseReport, StatementCount } from '@payflow/database';
import { internalHeaders, type CheckResult, type ReaderPosition, type TallyReport } from '@payflow/invariants';
import type { HealthReport } from '@payflow/service';
import type { Readiness } from './picture.js';

const TIMEOUT_MS = 1_500;
/** Tallies are summed when asked for. */
const TALLIES_TIMEOUT_MS = 5_000;
/** Below what the gateway waits for monitoring. */
const DATABASE_TIMEOUT_MS = 2_500;

export interface ReadinessAnswer {
  readonly status: Readiness;
  readonly reasons: readonly string[];
}

/** Reads what another service tells about itself, over HTTP. */
export class ServiceReader {
  constructor(
    readonly service: Service,
    private readonly base: string,
    private readonly secret: string,
  ) {}

  /** Never throws: a service that does not answer is down, and why is the answer. */
  async readiness(): Promise<ReadinessAnswer> {
    try {
      const answer = await this.get('/readyz', TIMEOUT_MS);
      if (answer.status !== 200 && answer.status !== 503)
        return { status: 'down', reasons: [`/readyz answered ${answer.status}`] };
      const { status, checks } = (await answer.json()) as HealthReport;
      const failing = checks.filter((check) => check.status === 'down');
      return { status, reasons: failing.map(({ name, reason }) => `${name}: ${reason ?? 'down'}`) };
    } catch (error) {
      return { status: 'down', reasons: [reasonOf(error)] };
    }
  }

  async positions(): Promise<readonly ReaderPosition[]> {
    return (await this.internal<{ data: readonly ReaderPosition[] }>('positions', TIMEOUT_MS)).data;
  }

  async invariants(): Promise<readonly CheckResult[]> {
    return (await this.internal<{ data: readonly CheckResult[] }>('invariants', TIMEOUT_MS)).data;
  }

  tallies(): Promise<TallyReport> {
    return this.internal<TallyReport>('tallies', TALLIES_TIMEOUT_MS);
  }

  databaseReport(): Promise<DatabaseReport> {
    return this.internal<DatabaseReport>('database', DATABASE_TIMEOUT_MS);
  }

  async statements(): Promise<readonly StatementCount[]> {
    return (await this.internal<{ data: readonly StatementCount[] }>('statements', DATABASE_TIMEOUT_MS)).data;
  }

  async metrics(): Promise<string> {
    const answer = await this.get('/metrics', TIMEOUT_MS);
    if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
    return answer.text();
  }

  private async internal<T>(name: string, timeout_ms: number): Promise<T> {
    const answer = await this.get(`/internal/${name}`, timeout_ms);
    if (answer.status !== 200) throw new Error(`/internal/${name} answered ${answer.status}`);
    return (await answer.json()) as T;
  }

  private get(path: string, timeout_ms: number): Promise<Response> {
    const headers = internalHeaders(this.secret, 'monitoring');
    return fetch(new URL(path, this.base), { headers, redirect: 'error', signal: AbortSignal.timeout(timeout_ms) });
  }
}

/** fetch hides the reason in its cause. */
export function reasonOf(error: unknown): string {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown };
  if (typeof cause?.code === 'string') return cause.code;
  return typeof name === 'string' ? name : 'error';
}
