import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendResource } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { LEDGER } from './ledger-reads.controller.js';
import { refuseParameters } from '../lists/list-query.js';
import type { OwnerClient } from '../owner/owner-client.js';

/** Only the ledger knows of all transfers, those of payments among them, and which are sealed. */
const REFUSALS = { 404: 'not_found', 409: 'transfer_not_sealed' } as const;

/** Proofs that transfers stand in the ledger's signed history. */
@Controller('api/v1/transfers')
export class ProofsController {
  constructor(@Inject(LEDGER) private readonly ledger: OwnerClient) {}

  @Get(':id/proof')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  async proof(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    if (!toUuid('transfer', id)) throw new Problem('invalid_id');
    sendResource(
      reply,
      await this.ledger.read(`/api/v1/transfers/${id}/proof`, callerOf(request), request.id, REFUSALS),
    );
  }
}
