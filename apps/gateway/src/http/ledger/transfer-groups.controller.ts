import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findTransferGroup } from '../../database/transfer-group-view.repository.js';
import { transferGroupResource, versionOfGroup } from '../../domain/transfer.js';
import { sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { refuseParameters } from '../lists/list-query.js';
import { CachedView } from '../answers/response-cache.js';

@Controller('api/v1/transfer_groups')
export class TransferGroupsController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Get(':id')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    if (!toUuid('group', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await findTransferGroup(this.db, { tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    sendVersioned(request, reply, { body: transferGroupResource(view), version: versionOfGroup(view) });
  }
}
