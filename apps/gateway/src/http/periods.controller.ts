import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PERIODS_PATH } from '../acceptance/replies.js';
import { Writes } from '../acceptance/writes.js';
import { requestedPeriod } from '../domain/period.js';
import { sendAnswer, sendResource } from './answer.js';
import { callerOf, type RouteAccess } from './authentication.js';
import { Cursors } from './cursor.js';
import { refuseIfMatch } from './headers.js';
import { LEDGER } from './ledger-reads.controller.js';
import { parseListQuery, refuseParameters } from './list-query.js';
import type { OwnerClient } from './owner-client.js';
import { monthOf, periodCloseWrite } from './period.request.js';
import { submitRequest } from './write-request.js';

/** A page as the ledger gives it: `next` is where the following one begins. */
interface Page {
  readonly data: readonly object[];
  readonly next: string | null;
}

/** Months of the books that are closed. What is known of them, the ledger knows. */
@Controller('api/v1/periods')
export class PeriodsController {
  constructor(
    private readonly writes: Writes,
    @Inject(LEDGER) private readonly ledger: OwnerClient,
    private readonly cursors: Cursors,
  ) {}

  @Post(':month/close')
  @RouteConfig({ scope: 'accounts:admin' } satisfies RouteAccess)
  async close(
    @Param('month') month: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    const of = monthOf(month);
    const { answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      periodCloseWrite(of, body, caller, now),
    );
    sendAnswer(reply, answer, { location: `${PERIODS_PATH}/${of}`, body: JSON.stringify(requestedPeriod(of)) });
  }

  @Get()
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { limit, cursor } = parseListQuery(request.url, {});
    const caller = callerOf(request);
    const list = `periods ${caller.tenant} ${caller.livemode}`;
    const after = cursor === undefined ? '' : `&after=${this.cursors.decode(list, cursor).createdAt}`;
    const text = await this.ledger.read(`${PERIODS_PATH}?limit=${limit}${after}`, caller, request.id);
    const { data, next } = JSON.parse(text) as Page;
    const next_cursor = next === null ? null : this.cursors.encode(list, { createdAt: next, id: '' });
    sendResource(reply, JSON.stringify({ data, next_cursor }));
  }

  @Get(':month')
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async one(@Param('month') month: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const path = `${PERIODS_PATH}/${monthOf(month)}`;
    sendResource(reply, await this.ledger.read(path, callerOf(request), request.id, { 404: 'not_found' }));
  }
}
