import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendResource } from './answer.js';
import { callerOf, type RouteAccess } from './authentication.js';
import { refuseParameters } from './list-query.js';
import { OwnerClient } from './owner-client.js';

/** Reads that only monitoring can answer, under the same paths there. */
@Controller('api/v1/monitoring')
export class MonitoringController {
  constructor(private readonly monitoring: OwnerClient) {}

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
    sendResource(reply, await this.monitoring.read(path, callerOf(request), request.id));
  }
}
