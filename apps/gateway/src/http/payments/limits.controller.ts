import { Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LIMITS_PATH } from '../../acceptance/policy-replies.js';
import { Writes } from '../../acceptance/writes.js';
import type { Owner } from '../../database/keys.js';
import { LIMIT_VIEWS } from '../../database/policy-views.js';
import { foundOrRequested } from '../../database/requested.repository.js';
import { limitResource, requestedLimit } from '../../domain/limit.js';
import { sendAnswer, sendResource, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { ifVersionOf } from '../edge/headers.js';
import { LIMIT_FILTERS, LIMIT_USE_PARAMETERS } from './limit-filters.js';
import { limitDeletion, limitWrite, madeBy } from './limit.request.js';
import { parseLedgerQuery } from '../ledger/ledger-query.js';
import { refuseParameters } from '../lists/list-query.js';
import { sendPage } from '../lists/list-page.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { CachedView } from '../answers/response-cache.js';
import { submitRequest, submitUnlessKnown } from '../writes/write-request.js';

/** Token of the client to the payments service's read API. */
export const PAYMENTS = Symbol('payments');

/** How much, and how often, may be paid. */
@Controller('api/v1/limits')
export class LimitsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    @Inject(PAYMENTS) private readonly payments: OwnerClient,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  @RouteConfig({ scope: 'limits:write' } satisfies RouteAccess)
  async define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const { write, answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      limitWrite(ifVersion, body, caller, now),
    );
    const { command, commandId } = write;
    // A copy joins the first: what that one makes has its command's UUID.
    const isOwn = answer.kind !== 'accepted' || answer.resourceId === commandId;
    const id =
      isOwn || command.id !== madeBy('limit', commandId as string) ? command.id : madeBy('limit', answer.resourceId);
    const body = JSON.stringify(requestedLimit({ ...command, id }));
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
    refuseParameters(request.url);
    if (!toUuid('limit', id)) throw new Problem('invalid_id');
    const body = await this.known(id, callerOf(request));
    sendVersioned(request, reply, { body, version: body.version });
  }

  /** A copy of a request that has deleted it is answered as that was, though it is there no more. */
  @Delete(':id')
  @RouteConfig({ scope: 'limits:write', bodyOptional: true } satisfies RouteAccess)
  async delete(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!toUuid('limit', id)) throw new Problem('invalid_id');
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const { answer } = await submitUnlessKnown(
      ...([this.writes, request, reply] as const),
      async (json, caller, now) => {
        await this.known(id, caller);
        return limitDeletion(id, ifVersion, json, caller, now);
      },
      () => undefined,
    );
    const pending = answer.kind === 'accepted' ? JSON.stringify(await this.known(id, callerOf(request))) : '';
    sendAnswer(reply, answer, () => ({ location: `${LIMITS_PATH}/${id}`, body: pending }));
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

  /** In force, or asked for. Throws 404 where it is neither. */
  private async known(id: string, { tenant, livemode }: Owner) {
    const owner = { tenant, livemode };
    const known = await foundOrRequested(this.db, { type: 'payflow.limit.define.v1', owner, id }, () =>
      LIMIT_VIEWS.find(this.db, { ...owner, id }),
    );
    if (!known) throw new Problem('not_found');
    return 'found' in known ? limitResource(known.found) : requestedLimit(known.requested);
  }
}
