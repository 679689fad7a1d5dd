import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid, type ReviewDecision, type ReviewState } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { REVIEWS_PATH } from '../../acceptance/policy-replies.js';
import { Writes } from '../../acceptance/writes.js';
import { REVIEW_VIEWS } from '../../database/policy-views.js';
import { reviewResource } from '../../domain/limit.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { REVIEW_FILTERS } from './limit-filters.js';
import { ifVersionOf } from '../edge/headers.js';
import { refuseParameters } from '../lists/list-query.js';
import { sendPage } from '../lists/list-page.js';
import { CachedView } from '../answers/response-cache.js';
import { reviewWrite } from './review.request.js';
import { submitRequest } from '../writes/write-request.js';

/** The queue of payments that wait for a human, and what was decided. */
@Controller('api/v1/reviews')
export class ReviewsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Get()
  @RouteConfig({ scope: 'reviews:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'reviews',
      filters: REVIEW_FILTERS,
      read: (owner, page) => REVIEW_VIEWS.list(this.lists, owner, page),
      resource: ({ content }) => reviewResource(content),
      columns: 'Review',
    });
  }

  @Get(':id')
  @RouteConfig({ scope: 'reviews:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const review = await this.known(id, request);
    sendVersioned(request, reply, { body: reviewResource(review), version: review.version });
  }

  @Post(':id/approve')
  @RouteConfig({ scope: 'reviews:write' } satisfies RouteAccess)
  approve(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.decide(id, 'approve', request, reply);
  }

  @Post(':id/deny')
  @RouteConfig({ scope: 'reviews:write' } satisfies RouteAccess)
  deny(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.decide(id, 'deny', request, reply);
  }

  private async decide(
    id: string,
    decision: ReviewDecision,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const review = await this.known(id, request);
    const { answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      reviewWrite({ review, ifVersion }, decision, body, caller, now),
    );
    sendAnswer(reply, answer, () => ({
      location: `${REVIEWS_PATH}/${review.id}`,
      body: JSON.stringify(reviewResource(review)),
    }));
  }

  private async known(id: string, request: FastifyRequest): Promise<ReviewState> {
    if (!toUuid('review', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const review = await REVIEW_VIEWS.find(this.db, { tenant, livemode, id });
    if (!review) throw new Problem('not_found');
    return review;
  }
}
