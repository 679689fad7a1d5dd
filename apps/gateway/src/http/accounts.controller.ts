import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ACCOUNTS_PATH } from '../acceptance/replies.js';
import { Writes } from '../acceptance/writes.js';
import { findAccount } from '../database/account-view.repository.js';
import { accountResource } from '../domain/account.js';
import { accountWrite } from './account.request.js';
import { sendAnswer, sendResource } from './answer.js';
import { callerOf, type RouteAccess } from './authentication.js';
import { etagOf, isUnchanged } from './headers.js';
import { refuseParameters } from './list-query.js';
import { submitRequest } from './write-request.js';

@Controller('api/v1/accounts')
export class AccountsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
  ) {}

  @Post()
  @RouteConfig({ scope: 'accounts:write' } satisfies RouteAccess)
  async open(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { write, answer } = await submitRequest(this.writes, request, reply, accountWrite);
    const { tenant, livemode } = callerOf(request);
    const id = answer.kind === 'accepted' ? answer.resourceId : write.view.id;
    const view =
      id === write.view.id ? write.view : ((await findAccount(this.db, { tenant, livemode, id })) ?? write.view);
    sendAnswer(reply, answer, { location: `${ACCOUNTS_PATH}/${view.id}`, body: JSON.stringify(accountResource(view)) });
  }

  @Get(':id')
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    if (!toUuid('account', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await findAccount(this.db, { tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    const etag = etagOf(view.version);
    if (isUnchanged(request.headers['if-none-match'], view.version)) void reply.status(304).header('etag', etag).send();
    else sendResource(reply, JSON.stringify(accountResource(view)), { etag });
  }
}
