import { Controller, Get, Inject, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findUser, listUsers } from '../../database/user.repository.js';
import { userResource, type User } from '../../domain/user.js';
import { OwnWrites, type OwnRequest } from '../../identity/own-writes.js';
import { Users } from '../../identity/users.js';
import { sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { ifVersionOf, refuseIfMatch, requiredVersionOf } from '../edge/headers.js';
import { readNothing, readUser, readUserChange, USER_FILTERS } from './identity.request.js';
import { refuseParameters } from '../lists/list-query.js';
import { sendPage } from '../lists/list-page.js';

/** The humans of an organisation. They are the same in live and in test mode. */
@Controller('api/v1/users')
export class UsersController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly users: Users,
    private readonly own: OwnWrites,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  @RouteConfig({ scope: 'users:write' } satisfies RouteAccess)
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    await this.own.once(request, reply, (json, caller) => this.users.create(readUser(json), caller));
  }

  @Get()
  @RouteConfig({ scope: 'users:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { organisation } = callerOf(request);
    await sendPage(request, reply, this.cursors, {
      name: 'users',
      filters: USER_FILTERS,
      read: (_owner, page) => listUsers(this.db, organisation, page),
      resource: (user: User) => userResource(user),
      columns: 'User',
    });
  }

  @Get(':id')
  @RouteConfig({ scope: 'users:read' } satisfies RouteAccess)
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    checkId(id);
    const user = await findUser(this.db, { organisation: callerOf(request).organisation, id });
    if (!user) throw new Problem('not_found');
    sendVersioned(request, reply, { body: userResource(user), version: user.version });
  }

  @Patch(':id')
  @RouteConfig({ scope: 'users:write' } satisfies RouteAccess)
  async change(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkId(id);
    const ifVersion = requiredVersionOf(request.headers['if-match']);
    const read: OwnRequest = (json, caller) => this.users.change(id, ifVersion, readUserChange(json), caller);
    await this.own.once(request, reply, read, { forgets: (caller) => this.users.tagsOf(id, caller) });
  }

  @Post(':id/invitation')
  @RouteConfig({ scope: 'users:write', bodyOptional: true } satisfies RouteAccess)
  async invite(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkId(id);
    const ifVersion = ifVersionOf(request.headers['if-match']);
    await this.own.once(request, reply, (json, caller) => {
      readNothing(json);
      return this.users.invite(id, ifVersion, caller);
    });
  }
}

function checkId(id: string): void {
  if (!toUuid('user', id)) throw new Problem('invalid_id');
}
