import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OperationWrite } from '../../acceptance/acceptable.js';
import { locationOf } from '../../acceptance/payment-replies.js';
import { Writes, type Answer } from '../../acceptance/writes.js';
import { findOperation, listOperations, type ListedKind } from '../../database/operation-view.repository.js';
import { findPayment } from '../../database/payment-view.repository.js';
import { operationResource, type OperationView } from '../../domain/operation.js';
import { paymentResource, type PaymentView } from '../../domain/payment.js';
import { sendAnswer } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { ifVersionOf } from '../edge/headers.js';
import { OPERATIONS_OF_PAYMENT_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';
import {
  authorizeWrite,
  cancelWrite,
  captureWrite,
  confirmWrite,
  incrementWrite,
  refundWrite,
  type OperationReader,
} from './operation.request.js';
import { CachedView } from '../answers/response-cache.js';
import { submitRequest } from '../writes/write-request.js';

/** What is asked of a payment that is there. Whether it can be done, payments decides when its turn comes. */
@Controller('api/v1/payments/:id')
export class PaymentOperationsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Post('confirm')
  @RouteConfig({ scope: 'payments:write', bodyOptional: true } satisfies RouteAccess)
  confirm(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(id, request, reply, confirmWrite);
  }

  @Post('authorize')
  @RouteConfig({ scope: 'payments:write', bodyOptional: true } satisfies RouteAccess)
  authorize(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(id, request, reply, authorizeWrite);
  }

  @Post('increment')
  @RouteConfig({ scope: 'payments:write' } satisfies RouteAccess)
  increment(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(id, request, reply, incrementWrite);
  }

  @Post('capture')
  @RouteConfig({ scope: 'payments:write', traffic: 'critical', bodyOptional: true } satisfies RouteAccess)
  capture(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(id, request, reply, captureWrite);
  }

  @Post('cancel')
  @RouteConfig({ scope: 'payments:write', traffic: 'critical', bodyOptional: true } satisfies RouteAccess)
  cancel(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(id, request, reply, cancelWrite);
  }

  @Post('refunds')
  @RouteConfig({ scope: 'payments:write', traffic: 'critical', bodyOptional: true } satisfies RouteAccess)
  refund(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(id, request, reply, refundWrite);
  }

  @Get('refunds')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  refunds(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.listOf('refund', id, request, reply);
  }

  @Get('captures')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  captures(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.listOf('capture', id, request, reply);
  }

  private async ask(id: string, request: FastifyRequest, reply: FastifyReply, read: OperationReader): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const payment = await this.known(id, request);
    const { write, answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      read({ payment, ifVersion }, body, caller, now),
    );
    const view = await this.standing(write, answer);
    const body = JSON.stringify(view.kind === 'refund' ? operationResource(view) : paymentResource(payment));
    sendAnswer(reply, answer, () => ({ location: locationOf(view), body }));
  }

  /** What to show of an operation that has not ended: our own as it was accepted; another copy's as it stands. */
  private async standing({ view }: OperationWrite, answer: Answer): Promise<OperationView> {
    if (answer.kind !== 'accepted' || answer.resourceId === view.id) return view;
    return (await findOperation(this.db, view.kind, { ...view, id: answer.resourceId })) ?? view;
  }

  private async listOf(kind: ListedKind, id: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { id: payment } = await this.known(id, request);
    await sendPage(request, reply, this.cursors, {
      name: `${kind}s of ${payment}`,
      filters: OPERATIONS_OF_PAYMENT_FILTERS,
      read: (owner, page) => listOperations(this.lists, kind, owner, { ...page, filter: { ...page.filter, payment } }),
      resource: operationResource,
      columns: 'Refund',
    });
  }

  private async known(id: string, request: FastifyRequest): Promise<PaymentView> {
    if (!toUuid('payment', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await findPayment(this.db, { tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    return view;
  }
}
