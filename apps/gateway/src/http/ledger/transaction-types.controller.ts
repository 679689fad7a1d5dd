import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { TYPE_NAME_PATTERN, type TransactionTypeDefined } from '@payflow/contracts';
import { pagesOf, readPage, type Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TRANSACTION_TYPES_PATH } from '../../acceptance/replies.js';
import { Writes } from '../../acceptance/writes.js';
import { foundOrRequested } from '../../database/requested.repository.js';
import { findType, listTypes } from '../../database/transaction-type-view.repository.js';
import { requestedType, transactionTypeResource } from '../../domain/transaction-type.js';
import { sendAnswer, sendResource, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { exportOf, patience, sendAll, type Exported } from '../lists/export.js';
import { ifVersionOf } from '../edge/headers.js';
import { sendForm, turnsOf } from '../lists/list-page.js';
import { parseListQuery, refuseParameters } from '../lists/list-query.js';
import { transactionTypeWrite } from './transaction-type.request.js';
import { formFor } from '../lists/other-forms.js';
import { submitRequest } from '../writes/write-request.js';

const TYPES: Exported = { name: 'transaction_types', resource: 'TransactionType' };
const EXPORT_PAGE = 200;
const NAME = new RegExp(TYPE_NAME_PATTERN);

/** Which accounts transfers of a type may debit and credit, and what its template comes to. */
@Controller('api/v1/transaction_types')
export class TransactionTypesController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  @RouteConfig({ scope: 'accounts:admin' } satisfies RouteAccess)
  async define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const { write, answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      transactionTypeWrite(ifVersion, body, caller, now),
    );
    sendAnswer(reply, answer, () => ({
      location: `${TRANSACTION_TYPES_PATH}/${write.command.id}`,
      body: JSON.stringify(requestedType(write.command)),
    }));
  }

  @Get()
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { limit, cursor, bounded } = parseListQuery(request.url, {});
    const form = formFor(request, reply);
    const { tenant, livemode } = callerOf(request);
    const list = `transaction_types ${tenant} ${livemode}`;
    const after = cursor === undefined ? '' : this.cursors.decode(list, cursor).createdAt;
    const inTurn = turnsOf(request, form !== undefined && !bounded);
    const read: TypesRead = (from, rows) => inTurn(() => listTypes(this.lists, { tenant, livemode }, from, rows));
    if (form && !bounded) return sendAll(request, reply, exportOf(form, TYPES, allTypes(read, after)));
    const { rows: page, last } = await readPage(limit, (rows) => read(after, rows));
    const next_cursor = last ? this.cursors.encode(list, { createdAt: last.id, id: '' }) : null;
    const shown = page.map(transactionTypeResource);
    if (form) sendForm(reply, request.url, { form, exported: TYPES }, { shown, next_cursor });
    else sendResource(reply, JSON.stringify({ data: shown, next_cursor }));
  }

  @Get(':id')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const { tenant, livemode } = callerOf(request);
    if (!NAME.test(id)) throw new Problem('not_found');
    const known = await foundOrRequested(
      this.db,
      { type: 'payflow.transaction_type.define.v1', owner: { tenant, livemode }, id },
      () => findType(this.db, { tenant, livemode, id }),
    );
    if (!known) throw new Problem('not_found');
    const body = 'found' in known ? transactionTypeResource(known.found) : requestedType(known.requested);
    sendVersioned(request, reply, { body, version: body.version });
  }
}

/** Reads so many types behind the name, when it is its turn. */
type TypesRead = (after: string, rows: number) => Promise<readonly TransactionTypeDefined[]>;

/** All of them, by pages. The first must come at once or be refused. */
async function* allTypes(read: TypesRead, after: string): AsyncGenerator<readonly object[], void> {
  const pages = pagesOf((last: TransactionTypeDefined | undefined) =>
    last ? patience.run(() => read(last.id, EXPORT_PAGE)) : read(after, EXPORT_PAGE),
  );
  for await (const page of pages) yield page.map(transactionTypeResource);
}
