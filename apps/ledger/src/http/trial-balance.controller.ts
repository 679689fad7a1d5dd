import { Controller, Get, Header, Inject, Query as QueryOf, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { ForwardedReads, InternalGuard, RequiresScope, claimsOf } from '@payflow/invariants';
import { REPORTS } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { trialBalance } from '../reads/trial-balance.js';
import { basis, instant, optional, type Query } from './read-query.js';

/** Whether the caller's books close; the gateway forwards to it. */
@Controller('api/v1/trial_balance')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('accounts:read')
export class TrialBalanceController {
  constructor(@Inject(REPORTS) private readonly db: Database) {}

  @Get()
  @Header('cache-control', 'no-store')
  read(@Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    const at = optional(query, 'as_of', instant);
    return trialBalance(this.db, claimsOf(request), {
      at,
      basis: optional(query, 'basis', basis) ?? 'recorded',
    });
  }
}
