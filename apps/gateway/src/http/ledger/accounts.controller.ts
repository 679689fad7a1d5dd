import { Controller, Get, Inject, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ACCOUNTS_PATH } from '../../acceptance/replies.js';
import { Writes } from '../../acceptance/writes.js';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import { listAccounts } from '../../database/account-list.repository.js';
import { findAccount } from '../../database/account-view.repository.js';
import { accountResource, type AccountView } from '../../domain/account.js';
import { accountUpdateWrite } from './account-update.request.js';
import { accountWrite } from './account.request.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { readCached } from '../answers/cached-read.js';
import { Cursors } from '../lists/cursor.js';
import { refuseIfMatch, requiredVersionOf } from '../edge/headers.js';
import { ACCOUNT_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import { submitRequest } from '../writes/write-request.js';

@Controller('api/v1/accounts')
export class AccountsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
    private readonly caches: GatewayCaches,
  ) {}

  @Post()
  @RouteConfig({ scope: 'accounts:write' } satisfies RouteAccess)
  async open(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    const { write, answer } = await submitRequest(this.writes, request, reply, accountWrite);
    const { tenant, livemode } = callerOf(request);
    const id = answer.kind === 'accepted' ? answer.resourceId : write.view.id;
    const view =
      id === write.view.id ? write.view : ((await findAccount(this.db, { tenant, livemode, id })) ?? write.view);
    sendAnswer(reply, answer, () => ({
      location: `${ACCOUNTS_PATH}/${view.id}`,
      body: JSON.stringify(accountResource(view)),
    }));
  }

  @Patch(':id')
  @RouteConfig({ scope: 'accounts:write' } satisfies RouteAccess)
  async update(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = requiredVersionOf(request.headers['if-match']);
    const account = await this.known(id, request);
    const { answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      accountUpdateWrite({ account, ifVersion }, body, caller, now),
    );
    sendAnswer(reply, answer, () => ({
      location: `${ACCOUNTS_PATH}/${account.id}`,
      body: JSON.stringify(accountResource(account)),
    }));
  }

  @Get(':id')
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    if (!toUuid('account', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const { value, age_ms } = await readCached(request, this.caches.accounts, { tenant, livemode, id });
    if (!value) throw new Problem('not_found');
    sendVersioned(request, reply, { body: accountResource(value), version: value.version, age_ms });
  }

  @Get()
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'accounts',
      filters: ACCOUNT_FILTERS,
      read: (owner, page) => listAccounts(this.lists, owner, page),
      resource: accountResource,
      columns: 'Account',
    });
  }

  /** As the view has it: what a change is made of must not come from a cache. */
  private async known(id: string, request: FastifyRequest): Promise<AccountView> {
    if (!toUuid('account', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await findAccount(this.db, { tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    return view;
  }
}
