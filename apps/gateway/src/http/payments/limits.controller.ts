import { Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LIMITS_PATH } from '../../acceptance/policy-replies.js';
import { Writes } from '../../acceptance/writes.js';
import { LIMIT_VIEWS } from '../../database/policy-views.js';
import { limitResource, requestedLimit } from '../../domain/limit.js';
import { sendAnswer, sendResource } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { ifVersionOf } from '../edge/headers.js';
import { Definitions } from './definitions.js';
import { LIMIT_FILTERS, LIMIT_USE_PARAMETERS } from './limit-filters.js';
import { limitWrite } from './limit.request.js';
import { parseLedgerQuery } from '../ledger/ledger-query.js';
import { sendPage } from '../lists/list-page.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { CachedView } from '../answers/response-cache.js';
import { submitRequest } from '../writes/write-request.js';

/** Token of the client to the payments service's read API. */
export const PAYMENTS = Symbol('payments');

/** How much, and how often, may be paid. */
@Controller('api/v1/limits')
export class LimitsController {
  readonly #definitions;

  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    @Inject(PAYMENTS) private readonly payments: OwnerClient,
    private readonly cursors: Cursors,
  ) {
    this.#definitions = new Definitions(writes, db, {
      ...({ kind: 'limit', path: LIMITS_PATH } as const),
      ...({ defined: 'payflow.limit.define.v1', deleted: 'payflow.limit.delete.v1' } as const),
      ...{ views: LIMIT_VIEWS, shown: limitResource, requested: requestedLimit },
    });
  }

  @Post()
  @RouteConfig({ scope: 'limits:write' } satisfies RouteAccess)
  async define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const { write, answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      limitWrite(ifVersion, body, caller, now),
    );
    const id = this.#definitions.idOf(write, answer);
    const body = JSON.stringify(requestedLimit({ ...write.command, id }));
    sendAnswer(reply, answer, () => ({ location: `${LIMITS_PATH}/${id}`, body }));
  }

  @Get()
  @RouteConfig({ scope: 'limits:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'limits',
      filters: LIMIT_FILTERS,
      read: (owner, page) => LIMIT_VIEWS.list(this.lists, owner, page),
      resource: ({ content }) => limitResource(content),
      columns: 'Limit',
    });
  }

  @Get(':id')
  @RouteConfig({ scope: 'limits:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#definitions.one(id, request, reply);
  }

  @Delete(':id')
  @RouteConfig({ scope: 'limits:write', bodyOptional: true } satisfies RouteAccess)
  async delete(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#definitions.delete(id, request, reply);
  }

  /** Only payments knows, in the transaction of each payment; so it is asked. */
  @Get(':id/use')
  @RouteConfig({ scope: 'limits:read' } satisfies RouteAccess)
  async use(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = new URLSearchParams(parseLedgerQuery(request.url, LIMIT_USE_PARAMETERS)).toString();
    if (!toUuid('limit', id)) throw new Problem('invalid_id');
    const path = `/api/v1/limits/${id}/use${query && `?${query}`}`;
    sendResource(reply, await this.payments.read(path, callerOf(request), request.id, { 404: 'not_found' }));
  }
}
