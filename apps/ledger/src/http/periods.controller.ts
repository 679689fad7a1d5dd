import {
  Controller,
  Get,
  Header,
  Inject,
  Param,
  Query as QueryOf,
  Req,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { Database } from '@payflow/database';
import { ForwardedReads, InternalGuard, RequiresScope, claimsOf } from '@payflow/invariants';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { onePeriod, periodList } from '../reads/periods.js';
import { limit, month, optional, type Query } from './read-query.js';

const LIMIT_DEFAULT = 50;

/** The caller's closed months; the gateway forwards to it. */
@Controller('api/v1/periods')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('accounts:read')
export class PeriodsController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Get()
  @Header('cache-control', 'no-store')
  list(@Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    return periodList(this.db, claimsOf(request), {
      limit: optional(query, 'limit', limit) ?? LIMIT_DEFAULT,
      after: optional(query, 'after', month),
    });
  }

  @Get(':month')
  @Header('cache-control', 'no-store')
  async one(@Param('month') of: string, @Req() request: FastifyRequest): Promise<object> {
    const named = month(of);
    const period = named && (await onePeriod(this.db, claimsOf(request), named));
    if (!period) throw new Problem('not_found');
    return period;
  }
}
