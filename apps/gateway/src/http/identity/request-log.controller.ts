import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { listRequests, type RequestView } from '../../database/request-log.repository.js';
import type { RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { sendPage } from '../lists/list-page.js';
import { REQUEST_FILTERS } from './request-filters.js';

/** What was asked with an organisation's keys and by its users, of the last 30 days. */
@Controller('api/v1/request_log')
export class RequestLogController {
  constructor(
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Get()
  @RouteConfig({ scope: 'requests:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'request_log',
      filters: REQUEST_FILTERS,
      read: (owner, page) => listRequests(this.lists, owner, page),
      resource: requestResource,
      columns: 'LoggedRequest',
    });
  }
}

const US_PER_MS = 1_000;

export function requestResource(request: RequestView): object {
  return {
    id: request.id,
    object: 'request',
    method: request.method,
    route: request.route,
    status: request.status,
    code: request.code,
    duration_ms: request.duration_us / US_PER_MS,
    request_bytes: request.requestBytes,
    response_bytes: request.responseBytes,
    actor: request.actor,
    address: request.address,
    request_id: request.requestId,
    trace_id: request.traceId,
    created_at: request.createdAt,
  };
}
