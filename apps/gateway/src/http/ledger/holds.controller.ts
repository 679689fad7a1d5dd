import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HOLDS_PATH } from '../../acceptance/replies.js';
import { Writes, type Answer } from '../../acceptance/writes.js';
import { findHold, listHolds } from '../../database/hold-view.repository.js';
import { holdResource, type HoldView } from '../../domain/hold.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import type { Caller } from '../edge/caller.js';
import { Cursors } from '../lists/cursor.js';
import { ifVersionOf, refuseIfMatch } from '../edge/headers.js';
import type { JsonObject } from '../edge/strict-json.js';
import { holdPostWrite, holdVoidWrite, holdWrite } from './hold.request.js';
import { HOLD_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import { CachedView } from '../answers/response-cache.js';
import { DryRuns } from '../writes/dry-run.js';
import { submitRequest } from '../writes/write-request.js';

@Controller('api/v1/holds')
export class HoldsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
    private readonly dryRuns: DryRuns,
  ) {}

  @Post()
  @RouteConfig({ scope: 'holds:write' } satisfies RouteAccess)
  async place(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    if (await this.dryRuns.answers(request, reply, holdWrite)) return;
    const { write, answer } = await submitRequest(this.writes, request, reply, holdWrite);
    const id = answer.kind === 'accepted' ? answer.resourceId : write.view.id;
    const standing =
      id === write.view.id ? write.view : ((await findHold(this.db, { ...write.view, id })) ?? write.view);
    answerHold(reply, standing, answer);
  }

  @Post(':id/post')
  @RouteConfig({ scope: 'holds:write', traffic: 'critical', bodyOptional: true } satisfies RouteAccess)
  async post(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const hold = await this.own(id, request);
    const read = (body: JsonObject, caller: Caller, now: Date) => holdPostWrite({ hold, ifVersion }, body, caller, now);
    if (await this.dryRuns.answers(request, reply, read)) return;
    const { answer } = await submitRequest(this.writes, request, reply, read);
    // The transfer to come is what tells how the posting ended.
    answerHold(reply, answer.kind === 'accepted' ? { ...hold, transfer: answer.resourceId } : hold, answer);
  }

  @Post(':id/void')
  @RouteConfig({ scope: 'holds:write', traffic: 'critical', bodyOptional: true } satisfies RouteAccess)
  async void(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const hold = await this.own(id, request);
    const read = (body: JsonObject, caller: Caller, now: Date) => holdVoidWrite({ hold, ifVersion }, body, caller, now);
    if (await this.dryRuns.answers(request, reply, read)) return;
    const { answer } = await submitRequest(this.writes, request, reply, read);
    answerHold(reply, hold, answer);
  }

  @Get(':id')
  @RouteConfig({ scope: 'holds:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const view = await this.known(id, request);
    sendVersioned(request, reply, { body: holdResource(view), version: view.version });
  }

  @Get()
  @RouteConfig({ scope: 'holds:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'holds',
      filters: HOLD_FILTERS,
      read: (owner, page) => listHolds(this.lists, owner, page),
      resource: holdResource,
      columns: 'Hold',
    });
  }

  /** One that may be ended here. What a payment has set aside is ended by it: its provider is asked on the strength of that. */
  private async own(id: string, request: FastifyRequest): Promise<HoldView> {
    const hold = await this.known(id, request);
    if (hold.payment !== null) throw new Problem('hold_of_payment', { detail: `It is set aside for ${hold.payment}.` });
    return hold;
  }

  private async known(id: string, request: FastifyRequest): Promise<HoldView> {
    if (!toUuid('hold', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await findHold(this.db, { tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    return view;
  }
}

function answerHold(reply: FastifyReply, view: HoldView, answer: Answer): void {
  sendAnswer(reply, answer, () => ({ location: `${HOLDS_PATH}/${view.id}`, body: JSON.stringify(holdResource(view)) }));
}
