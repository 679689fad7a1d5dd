import { Controller, Get, Header, Inject, UseGuards } from '@nestjs/common';
import type { Database, DatabaseReport, StatementCount } from '@payflow/database';
import { DATABASE } from '@payflow/service';
import { CheckResults, type CheckResult } from '../check-results.js';
import { DatabaseReports } from '../database-reports.js';
import { positions, type ReaderPosition } from '../positions.js';
import type { TallyReport } from '../tallies/report.js';
import { readTallies } from '../tallies/tallies.repository.js';
import { InternalGuard } from './internal.guard.js';

/** What every service tells about itself to monitoring, and to nobody else. */
@Controller('internal')
@UseGuards(InternalGuard)
export class InternalController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CheckResults) private readonly results: CheckResults,
    @Inject(DatabaseReports) private readonly reports: DatabaseReports,
  ) {}

  @Get('invariants')
  @Header('cache-control', 'no-store')
  invariants(): { readonly data: readonly CheckResult[] } {
    return { data: this.results.list() };
  }

  @Get('tallies')
  @Header('cache-control', 'no-store')
  tallies(): Promise<TallyReport> {
    return readTallies(this.database);
  }

  @Get('positions')
  @Header('cache-control', 'no-store')
  async positions(): Promise<{ readonly data: readonly ReaderPosition[] }> {
    return { data: await positions(this.database) };
  }

  @Get('database')
  @Header('cache-control', 'no-store')
  databaseReport(): Promise<DatabaseReport> {
    return this.reports.latest();
  }

  @Get('statements')
  @Header('cache-control', 'no-store')
  async statements(): Promise<{ readonly data: readonly StatementCount[] | null }> {
    return { data: await this.reports.statements() };
  }
}
