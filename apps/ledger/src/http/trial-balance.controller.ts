import { Controller, Get, Header, Inject, Query as QueryOf, Req, UseGuards } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { InternalGuard, RequiresScope, claimsOf } from '@payflow/invariants';
import type { FastifyRequest } from 'fastify';
import { LONG_READS } from '../reads/long-reads.js';
import { trialBalance } from '../reads/trial-balance.js';
import { basis, instant, optional, type Query } from './read-query.js';

/** Whether the caller's books close; the gateway forwards to it. */
@Controller('api/v1/trial_balance')
@UseGuards(InternalGuard)
@RequiresScope('accounts:read')
export class TrialBalanceController {
  constructor(@Inject(LONG_READS) private readonly db: Database) {}

  @Get()
  @Header('cache-control', 'no-store')
  read(@Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    const at = optional(query, 'as_of', instant);
    return trialBalance(this.db, claimsOf(request), { at, basis: optional(query, 'basis', basis) ?? 'recorded' });
  }
}
