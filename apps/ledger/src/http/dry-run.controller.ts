import { Body, Controller, Header, HttpCode, Inject, Post, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import type { GroupPost } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { ForwardedReads, InternalGuard, RequiresScope, claimsOf } from '@payflow/invariants';
import { readerErrors } from '@payflow/messaging';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { tryGroup } from '../reads/dry-run.js';

/** What transfers would come to. A read, though its question is too long for an address; the gateway forwards to it. */
@Controller('api/v1/transfers')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('transfers:write')
export class DryRunController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Post('dry_run')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  dryRun(@Req() request: FastifyRequest, @Body() body: unknown): Promise<object> {
    if (readerErrors('payflow.group.post.v1', body)) throw new Problem('invalid_request');
    return tryGroup(this.db, claimsOf(request), body as GroupPost);
  }
}
