import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ASSETS } from '@payflow/money';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendResource } from './answer.js';
import type { RouteAccess } from './authentication.js';
import { refuseParameters } from './list-query.js';

const BODY = JSON.stringify({
  data: [...ASSETS.values()].map((asset) => ({ object: 'asset', ...asset })),
  next_cursor: null,
});

@Controller('api/v1/assets')
export class AssetsController {
  @Get()
  @RouteConfig({ scope: 'any' } satisfies RouteAccess)
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    refuseParameters(request.url);
    sendResource(reply, BODY);
  }
}
