import { Controller, Get, Header, HttpCode, Inject, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { InternalGuard, paymentKeysOf, type AcknowledgedPage, type PaymentState } from '@payflow/invariants';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { acknowledgedAfter, shownStates, type AcknowledgedPlace } from '../../database/acknowledged.repository.js';
import { bodyOf } from '../edge/edge.js';

const PLACE = /^([0-9]{1,16})\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** What monitoring compares with the payments service: what was acknowledged, and what is shown of it. */
@Controller('internal/acknowledged_payments')
@UseGuards(InternalGuard)
export class InternalPaymentsController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Get()
  @Header('cache-control', 'no-store')
  page(@Query('after') after: unknown): Promise<AcknowledgedPage> {
    return acknowledgedAfter(this.db, placeOf(after));
  }

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async states(@Req() request: FastifyRequest): Promise<{ readonly data: readonly PaymentState[] }> {
    const keys = paymentKeysOf(bodyOf(request).json);
    if (!keys) throw new Problem('invalid_request');
    return { data: await shownStates(this.db, keys) };
  }
}

function placeOf(after: unknown): AcknowledgedPlace {
  const [, at_us, id] = (typeof after === 'string' && PLACE.exec(after)) || [];
  if (at_us === undefined || id === undefined) throw new Problem('invalid_parameter');
  return { at_us, id };
}
