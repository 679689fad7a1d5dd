import { Controller, Get, Header, Inject, UseGuards, UseInterceptors } from '@nestjs/common';
import { ForwardedReads, InternalGuard, RequiresScope } from '@payflow/invariants';
import type { DatabasesAnswer } from '../sampling/databases.js';
import { Watch, type HealthAnswer, type SummaryAnswer } from '../watch.js';

/** The state and the figures of the whole installation; the gateway forwards to it. */
@Controller('api/v1/monitoring')
@UseGuards(InternalGuard)
@RequiresScope('monitoring:read')
export class MonitoringController {
  constructor(@Inject(Watch) private readonly watch: Watch) {}

  /** From memory, and so never behind those that wait for a database: an outage is when it is asked for. */
  @Get('health')
  @Header('cache-control', 'no-store')
  health(): HealthAnswer {
    return this.watch.health();
  }

  @Get('summary')
  @UseInterceptors(ForwardedReads)
  @Header('cache-control', 'no-store')
  summary(): Promise<SummaryAnswer> {
    return this.watch.summary();
  }

  @Get('database')
  @UseInterceptors(ForwardedReads)
  @Header('cache-control', 'no-store')
  database(): Promise<DatabasesAnswer> {
    return this.watch.databases();
  }
}
