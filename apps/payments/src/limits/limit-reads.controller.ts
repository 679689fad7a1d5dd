import { Controller, Get, Header, Inject, Param, Query, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { claimsOf, ForwardedReads, InternalGuard, RequiresScope } from '@payflow/invariants';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { limitUse } from './limit-use.js';

/** What only payments can tell of a limit; the gateway forwards to it. */
@Controller('api/v1/limits')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('limits:read')
export class LimitReadsController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Get(':id/use')
  @Header('cache-control', 'no-store')
  async use(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Query('customer') customer?: string,
  ): Promise<object> {
    if (customer !== undefined && !toUuid('customer', customer)) throw new Problem('invalid_parameter');
    const asked = { id, customer: customer ?? null };
    const use = toUuid('limit', id) && (await limitUse(this.db, claimsOf(request), asked, Date.now()));
    if (!use) throw new Problem('not_found');
    return use;
  }
}
