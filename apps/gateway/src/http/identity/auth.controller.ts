import { Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database, Transaction } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { doorstepOf } from '../../audit/origin.js';
import { findKey } from '../../database/managed-key.repository.js';
import { findTenantName } from '../../database/organisation.repository.js';
import { endSession, findSession, listSessions } from '../../database/session.repository.js';
import { findUser, lockUser } from '../../database/user.repository.js';
import { apiKeyResource } from '../../domain/api-key.js';
import { sessionResource, type Session, type SessionEnd } from '../../domain/session.js';
import { userResource } from '../../domain/user.js';
import { of } from '../../identity/api-keys.js';
import { Logins, type Granted, type Origin } from '../../identity/logins.js';
import { OwnWrites, type IsDone, type OwnReply } from '../../identity/own-writes.js';
import { refuseMore, refuseTestKeys, tokenTags, Users } from '../../identity/users.js';
import { sendResource } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { refuseIfMatch } from '../edge/headers.js';
import type { Caller } from '../edge/caller.js';
import { Cursors } from '../lists/cursor.js';
import { bodyOf } from '../edge/edge.js';
import {
  canonicalEmail,
  readInvitation,
  readLogin,
  readNothing,
  readPasswordChange,
  readRefresh,
  SESSION_FILTERS,
} from './identity.request.js';
import { refuseParameters } from '../lists/list-query.js';
import { sendPage } from '../lists/list-page.js';
import type { JsonObject } from '../edge/strict-json.js';
import { refuseCardNumberIn } from '../edge/card-numbers.js';

const USER_AGENT_LENGTH_MAX = 200;

/** How a user gets a credential, keeps it, and gives it back. */
@Controller('api/v1/auth')
export class AuthController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly logins: Logins,
    private readonly users: Users,
    private readonly own: OwnWrites,
    private readonly cursors: Cursors,
  ) {}

  @Post('login')
  @RouteConfig({ open: true } satisfies RouteAccess)
  async login(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const { livemode = false, email, ...login } = readLogin(bodyOf(request).json);
    const granted = await this.logins.byPassword(
      { ...login, email: canonicalEmail(email) },
      originOf(request, livemode),
    );
    this.#grant(reply, granted);
  }

  @Post('refresh')
  @RouteConfig({ open: true } satisfies RouteAccess)
  async refresh(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const { refresh_token } = readRefresh(bodyOf(request).json);
    this.#grant(reply, await this.logins.byRefreshToken(refresh_token, doorstepOf(request, false)));
  }

  @Post('invitation')
  @RouteConfig({ open: true } satisfies RouteAccess)
  async accept(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const { invitation_token, password, livemode = false } = readInvitation(bodyOf(request).json);
    const granted = await this.logins.byInvitation(invitation_token, password, originOf(request, livemode));
    this.#grant(reply, granted);
  }

  @Post('logout')
  @RouteConfig({ scope: 'any', bodyOptional: true } satisfies RouteAccess)
  async logout(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    const read = (body: JsonObject, { organisation, session, actor }: Caller) => {
      readNothing(body);
      if (session === undefined) throw new Problem('session_required');
      return async (tx: Transaction) => {
        const before = await findSession(tx, { organisation, id: session });
        const ended = await this.#end(tx, { organisation, id: session, user: actor }, 'logged_out');
        return { ...ended, ...(before ? { before: sessionResource(before, session) } : {}) };
      };
    };
    const forgets = (caller: Caller) => this.users.tagsOf(caller.actor, caller);
    await this.own.once(request, reply, read, { whose: ({ session }) => session, forgets });
  }

  @Post('password')
  @RouteConfig({ scope: 'any' } satisfies RouteAccess)
  async password(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    const read = (json: JsonObject, caller: Caller, isDone: IsDone) => {
      const { current_password: current, password: next } = readPasswordChange(json);
      return this.users.changePassword({ current, next }, caller, { at: doorstepOf(request, caller.livemode), isDone });
    };
    const forgets = (caller: Caller) => this.users.tagsOf(caller.actor, caller);
    await this.own.once(request, reply, read, { whose: ({ actor }) => actor, forgets });
  }

  @Get('me')
  @RouteConfig({ scope: 'any' } satisfies RouteAccess)
  async me(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const caller = callerOf(request);
    const { organisation, actor, kind, livemode, session, scopes } = caller;
    const [name, user, found] = await Promise.all([
      findTenantName(this.db, organisation),
      kind === 'user' ? findUser(this.db, { organisation, id: actor }) : undefined,
      kind === 'key' ? findKey(this.db, of(caller, actor)) : undefined,
    ]);
    const body = {
      id: actor,
      object: 'me',
      kind,
      organisation: { id: organisation, name },
      livemode,
      scopes,
      session: session ?? null,
      user: user ? userResource(user) : null,
      api_key: found ? apiKeyResource(found.key) : null,
    };
    sendResource(reply, JSON.stringify(body));
  }

  /** His own, or somebody's for whom may read users. */
  @Get('sessions')
  @RouteConfig({ scope: 'any' } satisfies RouteAccess)
  async sessions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { organisation, actor, kind, session, scopes } = callerOf(request);
    await sendPage(request, reply, this.cursors, {
      name: `sessions ${kind === 'user' ? actor : ''}`,
      filters: SESSION_FILTERS,
      read: (_owner, page) => {
        const { user = kind === 'user' ? actor : undefined } = page.filter;
        // A key has none of its own.
        if (user === undefined) return Promise.resolve([]);
        if (user !== actor && !scopes.includes('users:read'))
          throw new Problem('forbidden', { detail: `The ${kind} needs the scope users:read.` });
        return listSessions(this.db, { organisation, id: user }, page);
      },
      resource: (one: Session) => sessionResource(one, session),
      columns: 'Session',
    });
  }

  @Delete('sessions/:id')
  @RouteConfig({ scope: 'any', bodyOptional: true } satisfies RouteAccess)
  async revoke(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!toUuid('session', id)) throw new Problem('invalid_id');
    refuseIfMatch(request.headers['if-match']);
    const read = (body: JsonObject, caller: Caller) => {
      readNothing(body);
      return (tx: Transaction) => this.#revoke(tx, id, caller);
    };
    const forgets = async (caller: Caller) => {
      const session = await findSession(this.db, { organisation: caller.organisation, id });
      return session ? this.users.tagsOf(session.user, caller) : [];
    };
    await this.own.once(request, reply, read, { forgets });
  }

  async #revoke(tx: Transaction, id: string, caller: Caller): Promise<OwnReply> {
    const { organisation } = caller;
    const session = await findSession(tx, { organisation, id });
    if (!session || (session.user !== caller.actor && !caller.scopes.includes('users:write')))
      throw new Problem('not_found');
    if (session.user !== caller.actor) await this.#mayEnd(tx, caller, session.user);
    const { audited, ...ended } = await this.#end(tx, { organisation, id, user: session.user }, 'revoked');
    // Of whichever mode the session is, and of whichever what ends it.
    return { ...ended, audited: { ...audited, isOfUser: true }, before: sessionResource(session, caller.session) };
  }

  async #mayEnd(tx: Transaction, caller: Caller, id: string): Promise<void> {
    refuseTestKeys(caller);
    const user = await lockUser(tx, { organisation: caller.organisation, id });
    if (user) refuseMore(caller, user.role);
  }

  async #end(
    tx: Transaction,
    { organisation, id, user }: { readonly organisation: string; readonly id: string; readonly user: string },
    reason: SessionEnd,
  ): Promise<OwnReply> {
    await endSession(tx, { organisation, id }, reason);
    const forgets = await tokenTags(tx, { organisation, id: user });
    return { status: 204, audited: { resource: id, after: { end_reason: reason } }, forgets };
  }

  /** An answer that must be kept nowhere: `no-store` stands on all that the API says. */
  #grant(reply: FastifyReply, { session, accessToken, refreshToken, lives: { access_s, refresh_s } }: Granted): void {
    const body = {
      object: 'tokens',
      token_type: 'Bearer',
      access_token: accessToken,
      expires_in: access_s,
      refresh_token: refreshToken,
      refresh_expires_in: refresh_s,
      session: session.id,
    };
    sendResource(reply, JSON.stringify(body), { 'cache-control': 'no-store', pragma: 'no-cache' });
  }
}

function originOf(request: FastifyRequest, livemode: boolean): Origin {
  const userAgent = (request.headers['user-agent'] ?? '').slice(0, USER_AGENT_LENGTH_MAX);
  // It is kept.
  refuseCardNumberIn(userAgent, 'user-agent');
  return { at: doorstepOf(request, livemode), userAgent };
}
