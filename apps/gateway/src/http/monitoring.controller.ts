import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { firstOrganisation } from '../database/organisation.repository.js';
import { sendResource } from './answers/answer.js';
import { callerOf, type RouteAccess } from './edge/authentication.js';
import { refuseParameters } from './lists/list-query.js';
import { OwnerClient } from './owner/owner-client.js';

/**
 * Reads that only monitoring can answer, under the same paths there. They tell of the whole installation, of all organisations
 * together: so they are for who runs it, which is the organisation that it began with, and for nobody else's owner.
 */
@Controller('api/v1/monitoring')
export class MonitoringController {
  /** Never another one, once it is there. */
  #first: string | undefined;

  constructor(
    private readonly monitoring: OwnerClient,
    @Inject(DATABASE) private readonly db: Database,
  ) {}

  @Get('health')
  @RouteConfig({ scope: 'monitoring:read' } satisfies RouteAccess)
  health(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.forward('/api/v1/monitoring/health', request, reply);
  }

  @Get('summary')
  @RouteConfig({ scope: 'monitoring:read' } satisfies RouteAccess)
  summary(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.forward('/api/v1/monitoring/summary', request, reply);
  }

  @Get('database')
  @RouteConfig({ scope: 'monitoring:read' } satisfies RouteAccess)
  database(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.forward('/api/v1/monitoring/database', request, reply);
  }

  private async forward(path: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const caller = callerOf(request);
    this.#first ??= await firstOrganisation(this.db);
    if (caller.organisation !== this.#first)
      throw new Problem('forbidden', {
        detail: 'Only the organisation that runs this installation sees how it is doing.',
      });
    sendResource(reply, await this.monitoring.read(path, caller, request.id));
  }
}
