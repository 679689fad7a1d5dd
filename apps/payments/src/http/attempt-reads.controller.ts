import { Controller, Get, Header, Inject, Param, Query, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { claimsOf, ForwardedReads, InternalGuard, RequiresScope } from '@payflow/invariants';
import { Problem, REPORTS } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { attemptsOf, attemptsWaiting, type AttemptPage } from '../database/attempt-reads.repository.js';
import { attemptPage, parsePlace } from './attempt-reads.js';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/** As the gateway forwards them: it has told the caller what is wrong with theirs. */
type Parameters = Readonly<Record<string, unknown>>;

/** What only payments can tell of what was asked of providers; the gateway forwards to it. */
@Controller('api/v1')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('payments:read')
export class AttemptReadsController {
  constructor(@Inject(REPORTS) private readonly db: Database) {}

  /** Empty for a payment that is not here yet, or not the caller's: the gateway knows which payments there are. */
  @Get('payments/:id/attempts')
  @Header('cache-control', 'no-store')
  ofPayment(@Param('id') id: string, @Req() request: FastifyRequest, @Query() query: Parameters): Promise<object> {
    if (!toUuid('payment', id)) throw new Problem('invalid_id');
    return attemptPage(pageOf(query), (page) => attemptsOf(this.db, claimsOf(request), id, page));
  }

  @Get('attempts')
  @Header('cache-control', 'no-store')
  waiting(@Req() request: FastifyRequest, @Query() query: Parameters): Promise<object> {
    if (query['needs_attention'] !== 'true') refuse('needs_attention');
    return attemptPage(pageOf(query), (page) => attemptsWaiting(this.db, claimsOf(request), page));
  }
}

function pageOf({ limit = String(LIMIT_DEFAULT), after }: Parameters): AttemptPage {
  const count = /^\d{1,3}$/.test(String(limit)) ? Number(limit) : 0;
  if (count < 1 || count > LIMIT_MAX) refuse('limit');
  const place = typeof after === 'string' ? parsePlace(after) : undefined;
  if (after !== undefined && !place) refuse('after');
  return { limit: count, after: place };
}

function refuse(pointer: string): never {
  throw new Problem('invalid_parameter', {
    errors: [{ pointer, code: 'malformed', detail: 'Is not what it must be.' }],
  });
}
