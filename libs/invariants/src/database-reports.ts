import { Inject, Injectable } from '@nestjs/common';
import {
  onOwnConnection,
  reportFrom,
  statementCounts,
  suggest,
  type Database,
  type DatabaseReport,
  type StatementCount,
} from '@payflow/database';
import { DATABASE } from '@payflow/service';

/** Explaining what a service does costs its database a tenth of a second: however many ask, once a minute is enough. */
const KEPT_MS = 60_000;

/** How the service's database is, and what could be done about it, on one connection of its pool. */
@Injectable()
export class DatabaseReports {
  private kept: { readonly report: Promise<DatabaseReport>; readonly until_ms: number } | undefined;

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** What the service's statements have cost so far; null where that cannot be read. */
  statements(): Promise<StatementCount[] | null> {
    return onOwnConnection(this.database, statementCounts);
  }

  /** At most a minute old. One that failed is not kept. */
  latest(now_ms: number = performance.now()): Promise<DatabaseReport> {
    if (this.kept && now_ms < this.kept.until_ms) return this.kept.report;
    const report = onOwnConnection(this.database, async (client) => reportFrom(await suggest(client)));
    const kept = { report, until_ms: now_ms + KEPT_MS };
    this.kept = kept;
    report.catch(() => {
      if (this.kept === kept) this.kept = undefined;
    });
    return report;
  }
}
