import { Controller, Get, Inject, Param, Req, Res, UseInterceptors } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TAGS } from '../../cache/catalogue.js';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import { respond, sendResource } from '../answers/answer.js';
import { partsOfAddress } from '../edge/address.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { headersOf, sendAll, type Exported } from '../lists/export.js';
import { forwardedPage, forwardedPages, sendForwarded } from '../answers/forwarded-page.js';
import { AS_OF, HISTORY, parseLedgerQuery, parsePeriod, parseSubtree, type LedgerQuery } from './ledger-query.js';
import { parseListQuery, type ListQuery } from '../lists/list-query.js';
import { formFor, linkNext, type Form } from '../lists/other-forms.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { CachedResponse, ResponseCache, type TagsOf } from '../answers/response-cache.js';
import { statementIn as written, type StatementPage } from './statement-csv.js';

/** Token of the client to the ledger's read API. */
export const LEDGER = Symbol('ledger');

const API = '/api/v1';
const TRANSFERS: Exported = { name: 'transfers', resource: 'AccountTransfer' };
const VERSIONS: Exported = { name: 'metadata_versions', resource: 'MetadataVersion' };
const access = { scope: 'accounts:read' } satisfies RouteAccess;

/**
 * By effective dates an answer may change with time alone, when a date comes; by recorded ones, with the account's next
 * event.
 */
const changesWithTime = (url: string): boolean =>
  new URLSearchParams(partsOfAddress(url)[1]).get('basis') === 'effective';
const ofAccount: TagsOf = (request, { tenant, livemode }) => {
  const { id } = request.params as { readonly id: string };
  return changesWithTime(request.url) || !toUuid('account', id) ? undefined : [TAGS.account({ tenant, livemode, id })];
};
const ofBooks: TagsOf = (request, owner) => (changesWithTime(request.url) ? undefined : [TAGS.books(owner)]);

/** Reads that only the ledger can answer, under the same paths there. What is wrong with a request, the gateway tells. */
@Controller('api/v1')
@UseInterceptors(ResponseCache)
export class LedgerReadsController {
  constructor(
    @Inject(LEDGER) private readonly ledger: OwnerClient,
    private readonly caches: GatewayCaches,
    private readonly cursors: Cursors,
  ) {}

  @Get('trial_balance')
  @RouteConfig(access)
  @CachedResponse(ofBooks)
  async trialBalance(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseLedgerQuery(request.url, AS_OF);
    sendResource(reply, await this.read('/trial_balance', query, request));
  }

  @Get('accounts/aggregate')
  @RouteConfig(access)
  @CachedResponse(ofBooks)
  async aggregate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseSubtree(request.url);
    sendResource(reply, await this.read('/accounts/aggregate', query, request));
  }

  @Get('accounts/:id/balance')
  @RouteConfig(access)
  @CachedResponse(ofAccount)
  async balance(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseLedgerQuery(request.url, AS_OF);
    await this.known(id, request);
    sendResource(reply, await this.read(`/accounts/${id}/balance`, query, request));
  }

  @Get('accounts/:id/statement')
  @RouteConfig(access)
  @CachedResponse(ofAccount)
  async statement(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parsePeriod(request.url);
    await this.known(id, request);
    const path = `/accounts/${id}/statement`;
    const form = formFor(request, reply);
    if (form && !query.bounded) return this.wholeStatement(form, path, query, request, reply);
    const { page, next_cursor } = await this.page(path, query, request);
    if (!form) return sendResource(reply, JSON.stringify({ ...page, next_cursor }));
    const order = { isFirst: query.cursor === undefined, isLast: next_cursor === null };
    linkNext(reply, request.url, next_cursor);
    const body = written(form, page as unknown as StatementPage, order);
    respond(reply, { headers: headersOf(form, { name: 'statement' }), body });
  }

  @Get('accounts/:id/transfers')
  @RouteConfig(access)
  @CachedResponse(ofAccount)
  async transfers(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = parseListQuery<LedgerQuery>(request.url, HISTORY);
    await this.known(id, request);
    await this.send(`/accounts/${id}/transfers`, TRANSFERS, query, request, reply);
  }

  @Get('accounts/:id/metadata_versions')
  @RouteConfig(access)
  async accountMetadata(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = parseListQuery<LedgerQuery>(request.url, {});
    await this.known(id, request);
    await this.send(`/accounts/${id}/metadata_versions`, VERSIONS, query, request, reply);
  }

  @Get('transfers/:id/metadata_versions')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  async transferMetadata(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const query = parseListQuery<LedgerQuery>(request.url, {});
    if (!toUuid('transfer', id)) throw new Problem('invalid_id');
    await this.send(`/transfers/${id}/metadata_versions`, VERSIONS, query, request, reply);
  }

  /** Refuses accounts that the caller does not have, and those that the ledger has not opened yet. */
  private async known(id: string, request: FastifyRequest): Promise<void> {
    if (!toUuid('account', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await this.caches.accounts.get({ tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    if (view.status === 'pending') throw new Problem('account_pending');
  }

  private wholeStatement(
    form: Form,
    path: string,
    query: ListQuery<LedgerQuery>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const list = { owner: this.ledger, cursors: this.cursors, path };
    const pages = forwardedPages(list, query, request, (page, isLast) => [
      { page: page as unknown as StatementPage, isLast },
    ]);
    const write = (
      [one]: readonly { readonly page: StatementPage; readonly isLast: boolean }[],
      isFirst: boolean,
    ): string =>
      one
        ? written(form, one.page, { isFirst: isFirst && query.cursor === undefined, isLast: one.isLast }, isFirst)
        : '';
    return sendAll(request, reply, { form, name: 'statement', pages, write });
  }

  private send(
    path: string,
    exported: Exported,
    query: ListQuery<LedgerQuery>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    return sendForwarded({ owner: this.ledger, cursors: this.cursors, path, exported }, query, request, reply);
  }

  private page(path: string, query: ListQuery<LedgerQuery>, request: FastifyRequest) {
    return forwardedPage({ owner: this.ledger, cursors: this.cursors, path }, query, request);
  }

  private read(path: string, query: LedgerQuery, request: FastifyRequest): Promise<string> {
    const url = `${API}${path}?${new URLSearchParams(query)}`;
    return this.ledger.read(url, callerOf(request), request.id, { 404: 'not_found' });
  }
}
