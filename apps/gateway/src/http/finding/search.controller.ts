import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { search } from '../../database/search.repository.js';
import { FINDABLE, foundResource, type Findable } from '../../domain/found.js';
import { sendResource } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { isWithin } from '../edge/text-length.js';
import { parametersOnly } from '../lists/list-query.js';

const TEXT_LENGTH_MAX = 255;

/** Whatever has an id, a reference or a key, where it is not known what it is of. */
@Controller('api/v1/search')
export class SearchController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Any valid key: it is told of what its scopes let it read. */
  @Get()
  @RouteConfig({ scope: 'any' } satisfies RouteAccess)
  async find(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const text = textOf(parametersOnly(request.url, ['q'])['q']);
    const { tenant, livemode, scopes } = callerOf(request);
    const types = (Object.keys(FINDABLE) as Findable[]).filter((type) => scopes.includes(FINDABLE[type].scope));
    const found = await search(this.db, { tenant, livemode }, text, types);
    sendResource(reply, JSON.stringify({ data: found.map(foundResource), next_cursor: null }));
  }
}

function textOf(text: string | undefined): string {
  if (text === undefined) throw refused('missing', 'Must be given.');
  if (text.length < 1 || !isWithin(text, TEXT_LENGTH_MAX) || !text.isWellFormed() || text.includes('\0'))
    throw refused(
      'malformed',
      `Must be 1 to ${TEXT_LENGTH_MAX} characters: an id, a reference, a path or an idempotency key.`,
    );
  return text;
}

function refused(code: string, detail: string): Problem {
  return new Problem('invalid_parameter', { errors: [{ pointer: 'q', code, detail }] });
}
