import { trace } from '@opentelemetry/api';
import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ATTRIBUTES, toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Problem, REPORTS } from '@payflow/service';
import { currentTraceparent } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bulks, readResults, type BulkAsked } from '../../acceptance/bulks.js';
import { TRANSFER_BULKS_PATH } from '../../acceptance/replies.js';
import { leaveWork } from '../../load/admission.js';
import { sendResource } from '../answers/answer.js';
import { versionOf } from '../edge/api-version.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { bulkParts, type BulkParts } from '../writes/bulk-body.js';
import { bulkPlan } from './bulk.request.js';
import { sendBulk } from '../writes/bulk-answer.js';
import { Cursors } from '../lists/cursor.js';
import { bodyOf, type BulkBytes } from '../edge/edge.js';
import { fingerprint } from '../writes/fingerprint.js';
import { exportOf, patience, sendAll, type Exported } from '../lists/export.js';
import { etagOf, idempotencyKeyOf, isUnchanged, refuseIfMatch, waitOf } from '../edge/headers.js';
import { sendForm, turnsOf } from '../lists/list-page.js';
import { parametersOnly, parseListQuery, refuseParameters } from '../lists/list-query.js';
import { formFor } from '../lists/other-forms.js';

const RESULTS: Exported = { name: 'results', resource: 'TransferBulkResult' };
const EXPORT_PAGE = 1_000;

/** Many transfers in one request, each with a result of its own. */
@Controller('api/v1/transfers/bulk')
export class TransferBulksController {
  constructor(
    private readonly bulks: Bulks,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  @RouteConfig({ scope: 'transfers:write', bulk: true } satisfies RouteAccess)
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const received = performance.now();
    const { wait_ms, applied } = waitOf(request.headers.prefer);
    refuseIfMatch(request.headers['if-match']);
    const body = bodyOf<BulkBytes>(request);
    const asked = askedOf(request, body);
    const caller = callerOf(request);
    // Bulks have turns of their own, and few of them.
    leaveWork(request);
    const answer = await this.bulks.submit(
      asked,
      async (names) => bulkPlan(await partsOf(request, body), { caller, names, now: new Date() }),
      received + wait_ms,
    );
    trace.getActiveSpan()?.setAttribute(ATTRIBUTES.transferBulkId, answer.view.id);
    if (applied) void reply.header('preference-applied', applied);
    if (answer.isFinal && answer.isCopy) void reply.header('idempotency-replayed', 'true');
    void reply.status(answer.isFinal ? 200 : 202).header('location', `${TRANSFER_BULKS_PATH}/${answer.view.id}`);
    await sendBulk(request, reply, answer);
  }

  @Get(':id')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    if (!toUuid('bulk', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const standing = await this.bulks.standing({ tenant, livemode, id });
    if (!standing) throw new Problem('not_found');
    // As many have ended as it has versions: none of them changes any more.
    const version = standing.results.filter(({ status }) => status !== 'pending').length;
    void reply.header('etag', etagOf(version));
    if (isUnchanged(request.headers['if-none-match'], version)) return void reply.status(304).send();
    void reply.status(200);
    await sendBulk(request, reply, standing);
  }

  /** A large bulk page by page, as its items stand. */
  @Get(':id/results')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  async results(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { limit, cursor, bounded } = parseListQuery(request.url, {});
    if (!toUuid('bulk', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const list = `results of ${id} ${tenant} ${livemode}`;
    const first = cursor === undefined ? 0 : Number(this.cursors.decode(list, cursor).createdAt);
    const form = formFor(request, reply);
    const inTurn = turnsOf(request, form !== undefined && !bounded);
    const read: ResultsRead = (from, items) =>
      inTurn(() => readResults(this.lists, { tenant, livemode, id }, { first: from, items }));
    if (form && !bounded) return sendAll(request, reply, exportOf(form, RESULTS, allResults(read, first)));
    // One more than asked for tells whether there is a next page.
    const results = await read(first, limit + 1);
    if (!results) throw new Problem('not_found');
    const page = results.slice(0, limit);
    const next = { createdAt: String(first + limit), id: '' };
    const next_cursor = results.length > limit ? this.cursors.encode(list, next) : null;
    if (form) sendForm(reply, request.url, { form, exported: RESULTS }, { shown: page, next_cursor });
    else sendResource(reply, JSON.stringify({ data: page, next_cursor }));
  }
}

/** Reads so many results from the one on, when it is its turn. */
type ResultsRead = (from: number, items: number) => Promise<readonly object[] | undefined>;

/** All of them, by pages. The first must come at once or be refused. */
async function* allResults(read: ResultsRead, from: number): AsyncGenerator<readonly object[], void> {
  let results = await read(from, EXPORT_PAGE);
  for (let first = from; ;) {
    if (!results) throw new Problem('not_found');
    yield results;
    if (results.length < EXPORT_PAGE) return;
    const next = (first += EXPORT_PAGE);
    results = await patience.run(() => read(next, EXPORT_PAGE));
  }
}

function askedOf(request: FastifyRequest, { bytes }: BulkBytes): BulkAsked {
  const { tenant, livemode, actor } = callerOf(request);
  return {
    tenant,
    livemode,
    actor,
    idempotencyKey: idempotencyKeyOf(request.headers['idempotency-key']),
    fingerprint: fingerprint(request.method, request.url, bytes),
    apiVersion: versionOf(request),
    requestId: request.id,
    traceparent: currentTraceparent(),
  };
}

/** Lines have no place for the mode and the bulk's id: they stand in the query then, and only then. */
async function partsOf(request: FastifyRequest, body: BulkBytes): Promise<BulkParts> {
  if (body.format === 'json') {
    refuseParameters(request.url);
    return bulkParts(body);
  }
  const { mode, id } = parametersOnly(request.url, ['mode', 'id']);
  const { items } = await bulkParts(body);
  const head = { ...(mode === undefined ? {} : { mode }), ...(id === undefined ? {} : { id }), transfers: [] };
  return { head, items };
}
