import { Controller, Delete, Get, Inject, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findKey, listKeys } from '../../database/managed-key.repository.js';
import { apiKeyResource, type ManagedKey } from '../../domain/api-key.js';
import { ManagedKeys, of } from '../../identity/api-keys.js';
import { OwnWrites, type OwnAbout, type OwnRequest } from '../../identity/own-writes.js';
import { sendResource } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { etagOf, ifVersionOf, refuseIfMatch, requiredVersionOf } from '../edge/headers.js';
import { API_KEY_FILTERS, readKey, readKeyChange, readNothing, readOverlap } from './identity.request.js';
import { refuseParameters } from '../lists/list-query.js';
import { sendPage } from '../lists/list-page.js';

/** The keys of an organisation, in the mode of the credential that asks. */
@Controller('api/v1/keys')
export class ApiKeysController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    private readonly keys: ManagedKeys,
    private readonly own: OwnWrites,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  @RouteConfig({ scope: 'keys:write' } satisfies RouteAccess)
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    await this.own.once(request, reply, (json, caller) => this.keys.create(readKey(json, new Date()), caller));
  }

  @Get()
  @RouteConfig({ scope: 'keys:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { organisation } = callerOf(request);
    await sendPage(request, reply, this.cursors, {
      name: 'keys',
      filters: API_KEY_FILTERS,
      read: ({ livemode }, page) => listKeys(this.db, { tenant: organisation, livemode }, page),
      resource: (key: ManagedKey) => apiKeyResource(key),
      columns: 'ApiKey',
    });
  }

  @Get(':id')
  @RouteConfig({ scope: 'keys:read' } satisfies RouteAccess)
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    checkId(id);
    const found = await findKey(this.db, of(callerOf(request), id));
    if (!found) throw new Problem('not_found');
    // Whole to everybody: its uses, and that its time is over, change without a version. The tag is for If-Match alone.
    sendResource(reply, JSON.stringify(apiKeyResource(found.key)), { etag: etagOf(found.key.version) });
  }

  @Patch(':id')
  @RouteConfig({ scope: 'keys:write' } satisfies RouteAccess)
  async update(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkId(id);
    const ifVersion = requiredVersionOf(request.headers['if-match']);
    const read: OwnRequest = (json, caller) => this.keys.update(id, ifVersion, readKeyChange(json), caller);
    await this.own.once(request, reply, read, this.#about(id));
  }

  @Post(':id/rotate')
  @RouteConfig({ scope: 'keys:write', bodyOptional: true } satisfies RouteAccess)
  async rotate(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkId(id);
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const read: OwnRequest = (json, caller) => this.keys.rotate(id, ifVersion, readOverlap(json), caller);
    await this.own.once(request, reply, read, this.#about(id));
  }

  @Delete(':id')
  @RouteConfig({ scope: 'keys:write', bodyOptional: true } satisfies RouteAccess)
  async revoke(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkId(id);
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const read: OwnRequest = (json, caller) => {
      readNothing(json);
      return this.keys.revoke(id, ifVersion, caller);
    };
    await this.own.once(request, reply, read, this.#about(id));
  }

  #about(id: string): OwnAbout {
    return { forgets: (caller) => this.keys.tagsOf(id, caller) };
  }
}

function checkId(id: string): void {
  if (!toUuid('apiKey', id)) throw new Problem('invalid_id');
}
