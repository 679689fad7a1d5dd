import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TestClockView } from '../database/test-space.repository.js';
import { callerOf, type RouteAccess } from '../http/edge/authentication.js';
import type { Caller } from '../http/edge/caller.js';
import { refuseIfMatch } from '../http/edge/headers.js';
import { refuseParameters } from '../http/lists/list-query.js';
import { OwnWrites, type OwnAbout, type OwnReply, type OwnRequest } from '../identity/own-writes.js';
import { requireTestMode } from './books-of.js';
import { readReset, readTravel } from './clock.request.js';
import { TestMode, type Journey } from './test-mode.js';

/** What there is in test mode alone: going ahead in time, and beginning anew. */
@Controller('api/v1/test')
export class TestModeController {
  constructor(
    private readonly testMode: TestMode,
    private readonly writes: OwnWrites,
  ) {}

  @Get('clock')
  @RouteConfig({ scope: 'test:write' } satisfies RouteAccess)
  async clock(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const caller = callerOf(request);
    requireTestMode(caller);
    void reply.send(clockResource(await this.testMode.clock(caller)));
  }

  @Post('clock')
  @RouteConfig({ scope: 'test:write' } satisfies RouteAccess)
  async travel(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const asking = callerOf(request);
    requireTestMode(asking);
    refuseIfMatch(request.headers['if-match']);
    const read =
      (journey: Journey): OwnRequest =>
      (body, caller) => {
        const travel = readTravel(body);
        return async (tx) => {
          const { before, after } = await this.testMode.travel(tx, caller, travel, journey);
          const seen = { body: clockResource(after), before: clockResource(before) };
          return { status: 200, ...seen, ...this.#afterwards(caller, journey) };
        };
      };
    // A key of the space: who resets and makes the same journey again is to have made it.
    const about: OwnAbout = { ...this.#about(), tenant: ({ tenant }) => tenant };
    await this.testMode.changing(asking, async (journey) => {
      await this.testMode.refuseLeftSpace(asking);
      await this.writes.once(request, reply, read(journey), about);
    });
  }

  @Post('reset')
  @RouteConfig({ scope: 'test:write', bodyOptional: true } satisfies RouteAccess)
  async reset(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const asking = callerOf(request);
    requireTestMode(asking);
    refuseIfMatch(request.headers['if-match']);
    const read =
      (journey: Journey): OwnRequest =>
      (body, caller) => {
        readReset(body);
        return async (tx) => {
          const before = await this.testMode.reset(tx, caller, journey);
          const body = { object: 'test_reset', livemode: false, reset_at: before.now.toISOString() };
          return { status: 200, body, before: clockResource(before), ...this.#afterwards(caller, journey) };
        };
      };
    await this.testMode.changing(asking, (journey) => this.writes.once(request, reply, read(journey), this.#about()));
  }

  #afterwards(caller: Caller, { staged }: Journey): Pick<OwnReply, 'forgets' | 'afterCommit'> {
    return { forgets: this.testMode.tagsOf(caller), afterCommit: () => staged?.publish() };
  }

  #about(): OwnAbout {
    return { forgets: (caller) => this.testMode.tagsOf(caller) };
  }
}

function clockResource({ now, ahead_ms, version, heard }: TestClockView): object {
  return {
    object: 'test_clock',
    livemode: false,
    now: new Date(now.getTime() + ahead_ms).toISOString(),
    ahead_seconds: Math.floor(ahead_ms / 1_000),
    version,
    heard,
  };
}
