import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findOperation, listOperations, type ListedKind } from '../../database/operation-view.repository.js';
import { operationResource } from '../../domain/operation.js';
import { sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { OPERATION_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import { CachedView } from '../answers/response-cache.js';

/** Refunds and captures by themselves, whichever payment they are of. */
@Controller('api/v1')
export class OperationsController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Get('refunds/:id')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  refund(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.one('refund', id, request, reply);
  }

  @Get('refunds')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  refunds(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.list('refund', request, reply);
  }

  @Get('captures/:id')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  capture(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.one('capture', id, request, reply);
  }

  @Get('captures')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  captures(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.list('capture', request, reply);
  }

  private async one(kind: ListedKind, id: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    if (!toUuid(kind, id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await findOperation(this.db, kind, { tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    sendVersioned(request, reply, { body: operationResource(view), version: view.version });
  }

  private async list(kind: ListedKind, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: `${kind}s`,
      filters: OPERATION_FILTERS,
      read: (owner, page) => listOperations(this.lists, kind, owner, page),
      resource: operationResource,
      columns: 'Refund',
    });
  }
}
