import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import { ATTEMPT_PARAMETERS } from './attempt-parameters.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import type { Exported } from '../lists/export.js';
import { sendForwarded } from '../answers/forwarded-page.js';
import type { LedgerQuery } from '../ledger/ledger-query.js';
import { PAYMENTS } from './limits.controller.js';
import { parseListQuery, type ListQuery } from '../lists/list-query.js';
import type { OwnerClient } from '../owner/owner-client.js';

const ATTEMPTS: Exported = { name: 'attempts', resource: 'Attempt' };

/** What was asked of providers, why of this one, and what they said. Only payments knows; so it is asked. */
@Controller('api/v1')
export class AttemptsController {
  constructor(
    @Inject(PAYMENTS) private readonly payments: OwnerClient,
    private readonly caches: GatewayCaches,
    private readonly cursors: Cursors,
  ) {}

  @Get('payments/:id/attempts')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  async ofPayment(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseListQuery<LedgerQuery>(request.url, {});
    if (!toUuid('payment', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    if (!(await this.caches.payments.get({ tenant, livemode, id }))) throw new Problem('not_found');
    await this.send(`/payments/${id}/attempts`, query, request, reply);
  }

  /** Those that wait for a human. All of them, of all payments, would be a report: they are read by their payment. */
  @Get('attempts')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  async waiting(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseListQuery<LedgerQuery>(request.url, ATTEMPT_PARAMETERS);
    if (query.filter['needs_attention'] === undefined) {
      const missing = { pointer: 'needs_attention', code: 'missing', detail: 'Must be `true`.' };
      throw new Problem('invalid_parameter', { errors: [missing] });
    }
    await this.send('/attempts', query, request, reply);
  }

  private async send(
    path: string,
    query: ListQuery<LedgerQuery>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const list = { owner: this.payments, cursors: this.cursors, path, exported: ATTEMPTS };
    await sendForwarded(list, query, request, reply);
  }
}
