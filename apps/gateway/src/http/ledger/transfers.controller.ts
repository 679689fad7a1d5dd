import { Controller, Get, Inject, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CorrectionWrite, GroupWrite, PostWrite, ReversalWrite } from '../../acceptance/acceptable.js';
import { TRANSFER_GROUPS_PATH, TRANSFERS_PATH } from '../../acceptance/replies.js';
import { Writes, type Answer } from '../../acceptance/writes.js';
import { findPaymentOfTransfer } from '../../database/payment-view.repository.js';
import { findTransferGroup } from '../../database/transfer-group-view.repository.js';
import { findTransfer, listTransfers } from '../../database/transfer-view.repository.js';
import type { PaymentView } from '../../domain/payment.js';
import { transferGroupResource, transferResource, type TransferView } from '../../domain/transfer.js';
import { findType } from '../../database/transaction-type-view.repository.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { correctionWrite } from './correction.request.js';
import { Cursors } from '../lists/cursor.js';
import { DryRuns } from '../writes/dry-run.js';
import type { Caller } from '../edge/caller.js';
import { ifVersionOf, refuseIfMatch, requiredVersionOf } from '../edge/headers.js';
import type { JsonObject } from '../edge/strict-json.js';
import { LEDGER } from './ledger-reads.controller.js';
import { TRANSFER_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { transferOfPayment, type LedgerTransfer } from '../payments/payment-transfer.js';
import { CachedView } from '../answers/response-cache.js';
import { reversalWrite } from './reversal.request.js';
import { namesTemplate, nameOfTemplate, templateWrite } from './template.request.js';
import { transferWrite } from './transfer.request.js';
import { transferUpdateWrite } from './transfer-update.request.js';
import { submitRequest, submitUnlessKnown } from '../writes/write-request.js';

@Controller('api/v1/transfers')
export class TransfersController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
    private readonly dryRuns: DryRuns,
    @Inject(LEDGER) private readonly ledger: OwnerClient,
  ) {}

  @Post()
  @RouteConfig({ scope: 'transfers:write' } satisfies RouteAccess)
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    if (namesTemplate(request)) return this.createFromTemplate(request, reply);
    if (await this.dryRuns.answers(request, reply, transferWrite)) return;
    const { write, answer } = await submitRequest(this.writes, request, reply, transferWrite);
    if (write.kind === 'group') await this.answerGroup(reply, write, answer);
    else await this.answerTransfer(reply, write, answer);
  }

  /** The template may be another by the time a copy comes: that one is answered as the first was. */
  private async createFromTemplate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { tenant, livemode } = callerOf(request);
    const find = (id: string) => findType(this.db, { tenant, livemode, id });
    const read = (body: JsonObject, caller: Caller, now: Date) => templateWrite(find, body, caller, now);
    // As the template is in force now.
    if (await this.dryRuns.answers(request, reply, read)) return;
    const { write, answer } = await submitUnlessKnown(this.writes, request, reply, read, nameOfTemplate);
    if (write) return this.answerGroup(reply, write, answer);
    const id = answer.kind === 'accepted' ? answer.resourceId : undefined;
    const standing = id === undefined ? undefined : await findTransferGroup(this.db, { tenant, livemode, id });
    sendAnswer(reply, answer, () => ({
      location: `${TRANSFER_GROUPS_PATH}/${id}`,
      body: JSON.stringify(standing && transferGroupResource(standing)),
    }));
  }

  @Post(':id/reverse')
  @RouteConfig({ scope: 'transfers:write', bodyOptional: true } satisfies RouteAccess)
  async reverse(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const original = await this.own(id, request);
    const read = (body: JsonObject, caller: Caller, now: Date) =>
      reversalWrite({ original, ifVersion }, body, caller, now);
    if (await this.dryRuns.answers(request, reply, read)) return;
    const { write, answer } = await submitRequest(this.writes, request, reply, read);
    await this.answerTransfer(reply, write, answer);
  }

  @Post(':id/correct')
  @RouteConfig({ scope: 'transfers:write' } satisfies RouteAccess)
  async correct(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const original = await this.own(id, request);
    const read = (body: JsonObject, caller: Caller, now: Date) =>
      correctionWrite({ original, ifVersion }, body, caller, now);
    if (await this.dryRuns.answers(request, reply, read)) return;
    const { write, answer } = await submitRequest(this.writes, request, reply, read);
    await this.answerTransfer(reply, write, answer);
  }

  @Patch(':id')
  @RouteConfig({ scope: 'transfers:write' } satisfies RouteAccess)
  async update(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = requiredVersionOf(request.headers['if-match']);
    const transfer = await this.own(id, request);
    const { answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      transferUpdateWrite({ transfer, ifVersion }, body, caller, now),
    );
    sendAnswer(reply, answer, () => ({
      location: `${TRANSFERS_PATH}/${id}`,
      body: JSON.stringify(transferResource(transfer)),
    }));
  }

  @Get(':id')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const view = (await this.find(id, request)) ?? (await this.ofPayment(id, request));
    sendVersioned(request, reply, { body: transferResource(view), version: view.version });
  }

  @Get()
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'transfers',
      filters: TRANSFER_FILTERS,
      read: (owner, page) => listTransfers(this.lists, owner, page),
      resource: transferResource,
      columns: 'Transfer',
    });
  }

  private find(id: string, request: FastifyRequest): Promise<TransferView | undefined> {
    if (!toUuid('transfer', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    return findTransfer(this.db, { tenant, livemode, id });
  }

  /** One that may be changed here. Of a payment's transfer the payment has the say, and would not hear of it. */
  private async own(id: string, request: FastifyRequest): Promise<TransferView> {
    const view = await this.find(id, request);
    const payment = view ? view.payment : (await this.paymentOf(id, request)).id;
    if (view && payment === null) return view;
    throw new Problem('transfer_of_payment', { detail: `It books ${payment}.` });
  }

  private async ofPayment(id: string, request: FastifyRequest): Promise<TransferView> {
    const payment = await this.paymentOf(id, request);
    const path = `/api/v1/transfers/${id}`;
    const told = await this.ledger.read(path, callerOf(request), request.id, { 404: 'not_found' });
    return transferOfPayment(payment, JSON.parse(told) as LedgerTransfer);
  }

  /** The payment whose money the transfer moves: one that failed, or has not ended, has none. */
  private async paymentOf(id: string, request: FastifyRequest): Promise<PaymentView> {
    const { tenant, livemode } = callerOf(request);
    const payment = await findPaymentOfTransfer(this.db, { tenant, livemode, id });
    if (!payment) throw new Problem('not_found');
    return payment;
  }

  /** What has not ended is shown as it was accepted, another copy's as it stands. */
  private async answerTransfer(
    reply: FastifyReply,
    { view }: PostWrite | ReversalWrite | CorrectionWrite,
    answer: Answer,
  ): Promise<void> {
    const id = answer.kind === 'accepted' ? answer.resourceId : view.id;
    const standing = id === view.id ? view : ((await findTransfer(this.db, { ...view, id })) ?? view);
    sendAnswer(reply, answer, () => ({
      location: `${TRANSFERS_PATH}/${standing.id}`,
      body: JSON.stringify(transferResource(standing)),
    }));
  }

  private async answerGroup(reply: FastifyReply, { view }: GroupWrite, answer: Answer): Promise<void> {
    const id = answer.kind === 'accepted' ? answer.resourceId : view.id;
    const standing = id === view.id ? view : ((await findTransferGroup(this.db, { ...view, id })) ?? view);
    sendAnswer(reply, answer, () => ({
      location: `${TRANSFER_GROUPS_PATH}/${standing.id}`,
      body: JSON.stringify(transferGroupResource(standing)),
    }));
  }
}
