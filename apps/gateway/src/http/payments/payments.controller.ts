import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PAYMENTS_PATH } from '../../acceptance/replies.js';
import { Writes, type Answer } from '../../acceptance/writes.js';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import { findPayment, listPayments } from '../../database/payment-view.repository.js';
import { findType } from '../../database/transaction-type-view.repository.js';
import { paymentResource, type PaymentView } from '../../domain/payment.js';
import { sendAnswer, sendResource, sendVersioned } from '../answers/answer.js';
import type { RouteAccess } from '../edge/authentication.js';
import { callerOf } from '../edge/authentication.js';
import { readCached } from '../answers/cached-read.js';
import { typeOfPayment } from './breakdown.request.js';
import type { Caller } from '../edge/caller.js';
import { Cursors } from '../lists/cursor.js';
import { withoutExpand } from '../answers/expand.js';
import { ifVersionOf, refuseIfMatch } from '../edge/headers.js';
import { PAYMENT_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import { PAYMENT_EXPANSIONS, PaymentExpansions, type PaymentExpansion } from './payment-expansion.js';
import { nameOfPayment, paymentWrite, typedPaymentWrite } from './payment.request.js';
import { CachedView } from '../answers/response-cache.js';
import { retryWrite } from './retry.request.js';
import { submitRequest, submitUnlessKnown } from '../writes/write-request.js';

@Controller('api/v1/payments')
export class PaymentsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
    private readonly caches: GatewayCaches,
    private readonly expansions: PaymentExpansions,
  ) {}

  @Post()
  @RouteConfig({ scope: 'payments:write' } satisfies RouteAccess)
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    const type = typeOfPayment(request);
    if (type !== undefined) return this.createByType(type, request, reply);
    const { write, answer } = await submitRequest(this.writes, request, reply, paymentWrite);
    await this.answerMade(request, reply, write.view, answer);
  }

  /** A payment that failed, once more: a new one of the same content. */
  @Post(':id/retry')
  @RouteConfig({ scope: 'payments:write', bodyOptional: true } satisfies RouteAccess)
  async retry(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    if (!toUuid('payment', id)) throw new Problem('invalid_id');
    const failed = await findPayment(this.db, { ...ownerOf(callerOf(request)), id });
    if (!failed) throw new Problem('not_found');
    const { write, answer } = await submitRequest(this.writes, request, reply, (body, caller, now) => ({
      ...retryWrite(failed, body, caller, now),
      objection: ifVersion === null || ifVersion === failed.version ? undefined : new Problem('version_differs'),
    }));
    await this.answerMade(request, reply, write.view, answer);
  }

  @Get(':id')
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { url, expand } = withoutExpand(request.url, PAYMENT_EXPANSIONS);
    refuseParameters(url);
    if (!toUuid('payment', id)) throw new Problem('invalid_id');
    if (expand.length > 0) return this.expanded(id, expand, request, reply);
    const { value, age_ms } = await readCached(request, this.caches.payments, { ...ownerOf(callerOf(request)), id });
    if (!value) throw new Problem('not_found');
    sendVersioned(request, reply, { body: paymentResource(value), version: value.version, age_ms });
  }

  @Get()
  @RouteConfig({ scope: 'payments:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'payments',
      filters: PAYMENT_FILTERS,
      read: (owner, page) => listPayments(this.lists, owner, page),
      resource: paymentResource,
      columns: 'Payment',
      expansion: {
        names: PAYMENT_EXPANSIONS,
        expand: (page, names, inTurn) =>
          this.expansions.page(
            page,
            names as readonly PaymentExpansion[],
            { caller: callerOf(request), requestId: request.id },
            inTurn,
          ),
      },
    });
  }

  /** With more than the payment itself there is no version that stands for all of it, and nothing that could be kept. */
  private async expanded(
    id: string,
    names: readonly PaymentExpansion[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const caller = callerOf(request);
    const payment = await findPayment(this.db, { ...ownerOf(caller), id });
    if (!payment) throw new Problem('not_found');
    const shown = await this.expansions.one(payment, names, { caller, requestId: request.id });
    sendResource(reply, JSON.stringify(shown));
  }

  private async answerMade(
    request: FastifyRequest,
    reply: FastifyReply,
    own: PaymentView | undefined,
    answer: Answer,
  ): Promise<void> {
    const view = answer.kind === 'accepted' ? await this.standing(callerOf(request), own, answer.resourceId) : own;
    sendAnswer(reply, answer, () => ({
      location: `${PAYMENTS_PATH}/${view?.id}`,
      body: JSON.stringify(view && paymentResource(view)),
    }));
  }

  /** The template may be another by the time a copy comes: that one is answered as the first was. */
  private async createByType(type: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { write, answer } = await submitUnlessKnown(
      this.writes,
      request,
      reply,
      async (body, caller, now) =>
        typedPaymentWrite(await findType(this.db, { ...ownerOf(caller), id: type }), body, caller, now),
      nameOfPayment,
    );
    await this.answerMade(request, reply, write?.view, answer);
  }

  /** What to show of a write that has not ended: our own as it was accepted; another copy's as it stands. */
  private async standing(caller: Caller, own: PaymentView | undefined, id: string): Promise<PaymentView | undefined> {
    if (id === own?.id) return own;
    return (await findPayment(this.db, { ...ownerOf(caller), id })) ?? own;
  }
}

function ownerOf({ tenant, livemode }: Caller): { readonly tenant: string; readonly livemode: boolean } {
  return { tenant, livemode };
}
