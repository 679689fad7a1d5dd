import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DISPUTES_PATH } from '../../acceptance/dispute-replies.js';
import { Writes } from '../../acceptance/writes.js';
import { findDispute, listDisputes, type DisputeFilter } from '../../database/dispute-view.repository.js';
import { findPayment } from '../../database/payment-view.repository.js';
import { disputeResource, type DisputeView } from '../../domain/dispute.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { DISPUTE_FILTERS, PAYMENT_DISPUTE_FILTERS } from './dispute-filters.js';
import { evidenceWrite } from './dispute.request.js';
import type { FilterReaders } from '../lists/list-filters.js';
import { ifVersionOf } from '../edge/headers.js';
import { sendPage } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import { CachedView } from '../answers/response-cache.js';
import { submitRequest } from '../writes/write-request.js';

/** What cardholders dispute, and what is said against it. */
@Controller('api/v1')
export class DisputesController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Get('disputes')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.page(request, reply, DISPUTE_FILTERS, {});
  }

  @Get('disputes/:id')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const view = await this.known(id, request);
    sendVersioned(request, reply, { body: disputeResource(view), version: view.version });
  }

  @Get('payments/:id/disputes')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  async ofPayment(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!toUuid('payment', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    if (!(await findPayment(this.db, { tenant, livemode, id }))) throw new Problem('not_found');
    await this.page(request, reply, PAYMENT_DISPUTE_FILTERS, { payment: id });
  }

  /** Whether the dispute takes evidence now, the payments service decides: a copy of a request must find its answer. */
  @Post('disputes/:id/evidence')
  @RouteConfig({ scope: 'payments:write' } satisfies RouteAccess)
  async evidence(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const dispute = await this.known(id, request);
    const { answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      evidenceWrite({ dispute, ifVersion }, body, caller, now),
    );
    const body = JSON.stringify(disputeResource(dispute));
    sendAnswer(reply, answer, () => ({ location: `${DISPUTES_PATH}/${dispute.id}`, body }));
  }

  private async page(
    request: FastifyRequest,
    reply: FastifyReply,
    filters: FilterReaders<DisputeFilter>,
    within: DisputeFilter,
  ): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: `disputes ${within.payment ?? ''}`,
      filters,
      read: (owner, page) => listDisputes(this.lists, owner, { ...page, filter: { ...page.filter, ...within } }),
      resource: disputeResource,
      columns: 'Dispute',
    });
  }

  private async known(id: string, request: FastifyRequest): Promise<DisputeView> {
    if (!toUuid('dispute', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await findDispute(this.db, { tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    return view;
  }
}
