import { Controller, Delete, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { listOwnBlocks } from '../../database/own-block.repository.js';
import { blockResource } from '../../domain/block.js';
import { OwnWrites } from '../../identity/own-writes.js';
import { BlockLifting } from '../../watch/block-lifting.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { refuseIfMatch } from '../edge/headers.js';
import { BLOCK_FILTERS } from './block-filters.js';
import { Cursors } from '../lists/cursor.js';
import { readNothing } from './identity.request.js';
import { sendPage } from '../lists/list-page.js';

/** Keys and users of an organisation that are not let in for a while. Addresses are no organisation's. */
@Controller('api/v1/blocks')
export class BlocksController {
  constructor(
    @Inject(REPORTS) private readonly lists: Database,
    private readonly lifting: BlockLifting,
    private readonly own: OwnWrites,
    private readonly cursors: Cursors,
  ) {}

  @Get()
  @RouteConfig({ scope: 'blocks:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { organisation: tenant, livemode } = callerOf(request);
    await sendPage(request, reply, this.cursors, {
      name: 'blocks',
      filters: BLOCK_FILTERS,
      read: (_, page) => listOwnBlocks(this.lists, { tenant, livemode }, page),
      resource: blockResource,
      columns: 'Block',
    });
  }

  @Delete(':id')
  @RouteConfig({ scope: 'blocks:write', bodyOptional: true } satisfies RouteAccess)
  async lift(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!toUuid('block', id)) throw new Problem('invalid_id');
    refuseIfMatch(request.headers['if-match']);
    await this.own.once(request, reply, (json, caller) => {
      readNothing(json);
      return this.lifting.lift(id, `request ${request.id}`, caller);
    });
  }
}
