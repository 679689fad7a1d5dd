import type { Database, DatabaseReport, StatementCount } from '@payflow/database';
import {
  positions,
  readTallies,
  type CheckResult,
  type CheckResults,
  type DatabaseReports,
  type ReaderPosition,
  type TallyReport,
} from '@payflow/invariants';
import type { Health } from '@payflow/service';
import { renderMetrics } from '@payflow/telemetry';
import type { ReadinessAnswer, ServiceReader } from './service-reader.js';

type Readable = Pick<
  ServiceReader,
  'service' | 'readiness' | 'positions' | 'invariants' | 'tallies' | 'databaseReport' | 'statements' | 'metrics'
>;

/** Monitoring's own part of the picture, without going through the network. */
export class SelfReader implements Readable {
  readonly service = 'monitoring' as const;

  constructor(
    private readonly database: Database,
    private readonly health: Health,
    private readonly results: CheckResults,
    private readonly reports: DatabaseReports,
  ) {}

  async readiness(): Promise<ReadinessAnswer> {
    const { status, checks } = await this.health.report();
    const failing = checks.filter((check) => check.status === 'down');
    return { status, reasons: failing.map(({ name, reason }) => `${name}: ${reason ?? 'down'}`) };
  }

  positions(): Promise<readonly ReaderPosition[]> {
    return positions(this.database);
  }

  async invariants(): Promise<readonly CheckResult[]> {
    return this.results.list();
  }

  tallies(): Promise<TallyReport> {
    return readTallies(this.database);
  }

  databaseReport(): Promise<DatabaseReport> {
    return this.reports.latest();
  }

  statements(): Promise<readonly StatementCount[] | null> {
    return this.reports.statements();
  }

  async metrics(): Promise<string> {
    return (await renderMetrics()).body;
  }
}

export type { Readable };
