import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PERIODS_PATH } from '../../acceptance/replies.js';
import { Writes } from '../../acceptance/writes.js';
import { foundOrRequested } from '../../database/requested.repository.js';
import { requestedPeriod } from '../../domain/period.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import type { Exported } from '../lists/export.js';
import { sendForwarded } from '../answers/forwarded-page.js';
import { ifVersionOf } from '../edge/headers.js';
import { LEDGER } from './ledger-reads.controller.js';
import type { LedgerQuery } from './ledger-query.js';
import { parseListQuery, refuseParameters } from '../lists/list-query.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { monthOf, periodCloseWrite } from './period.request.js';
import { submitRequest } from '../writes/write-request.js';

/** As the ledger tells of it. */
type Period = Readonly<Record<string, unknown>> & { readonly status: string };
/** It is asked for, it closes, and then it is closed: that is all its versions. */
const VERSIONS: Readonly<Record<string, number>> = { requested: 0, closing: 1, closed: 2 };

const PERIODS: Exported = { name: 'periods', resource: 'Period' };

/** Months of the books that are closed. What is known of them, the ledger knows. */
@Controller('api/v1/periods')
export class PeriodsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(LEDGER) private readonly ledger: OwnerClient,
    private readonly cursors: Cursors,
  ) {}

  @Post(':month/close')
  @RouteConfig({ scope: 'accounts:admin', bodyOptional: true } satisfies RouteAccess)
  async close(
    @Param('month') month: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const of = monthOf(month);
    const { answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      periodCloseWrite({ month: of, ifVersion }, body, caller, now),
    );
    sendAnswer(reply, answer, () => ({ location: `${PERIODS_PATH}/${of}`, body: JSON.stringify(requestedPeriod(of)) }));
  }

  @Get()
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const list = { owner: this.ledger, cursors: this.cursors, path: '/periods', exported: PERIODS };
    await sendForwarded(list, parseListQuery<LedgerQuery>(request.url, {}), request, reply);
  }

  @Get(':month')
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async one(@Param('month') month: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const id = monthOf(month);
    const caller = callerOf(request);
    const known = await foundOrRequested(this.db, { type: 'payflow.period.close.v1', owner: caller, id }, () =>
      this.ofLedger(`${PERIODS_PATH}/${id}`, request),
    );
    if (!known) throw new Problem('not_found');
    const body = 'found' in known ? known.found : { ...requestedPeriod(id), totals: null };
    sendVersioned(request, reply, { body, version: VERSIONS[body.status] ?? 0 });
  }

  private async ofLedger(path: string, request: FastifyRequest): Promise<Period | undefined> {
    try {
      return JSON.parse(await this.ledger.read(path, callerOf(request), request.id, { 404: 'not_found' })) as Period;
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_found') return undefined;
      throw error;
    }
  }
}
