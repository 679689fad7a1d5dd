import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PERIODS_PATH } from '../acceptance/replies.js';
import { Writes } from '../acceptance/writes.js';
import { requestedPeriod } from '../domain/period.js';
import { sendAnswer, sendVersioned } from './answer.js';
import { callerOf, type RouteAccess } from './authentication.js';
import { Cursors } from './cursor.js';
import type { Exported } from './export.js';
import { sendForwarded } from './forwarded-page.js';
import { refuseIfMatch } from './headers.js';
import { LEDGER } from './ledger-reads.controller.js';
import type { LedgerQuery } from './ledger-query.js';
import { parseListQuery, refuseParameters } from './list-query.js';
import type { OwnerClient } from './owner-client.js';
import { monthOf, periodCloseWrite } from './period.request.js';
import { submitRequest } from './write-request.js';

const PERIODS: Exported = { name: 'periods', resource: 'Period' };

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
    const list = { owner: this.ledger, cursors: this.cursors, path: '/periods', exported: PERIODS };
    await sendForwarded(list, parseListQuery<LedgerQuery>(request.url, {}), request, reply);
  }

  /** It closes, and then it is closed: that is all its versions. */
  @Get(':month')
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async one(@Param('month') month: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const path = `${PERIODS_PATH}/${monthOf(month)}`;
    const text = await this.ledger.read(path, callerOf(request), request.id, { 404: 'not_found' });
    const body = JSON.parse(text) as { readonly status: string };
    sendVersioned(request, reply, { body, version: body.status === 'closed' ? 2 : 1 });
  }
}
