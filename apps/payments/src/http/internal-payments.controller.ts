import { Body, Controller, Header, HttpCode, Inject, Post, UseGuards } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { InternalGuard, paymentKeysOf, type PaymentState } from '@payflow/invariants';
import { DATABASE, Problem } from '@payflow/service';
import { paymentStates } from '../database/payment-states.repository.js';

/** What monitoring compares with what the gateway has acknowledged. A read, though its question is too long for an address. */
@Controller('internal/payment_states')
@UseGuards(InternalGuard)
export class InternalPaymentsController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async states(@Body() body: unknown): Promise<{ readonly data: readonly PaymentState[] }> {
    const keys = paymentKeysOf(body);
    if (!keys) throw new Problem('invalid_request');
    return { data: await paymentStates(this.db, keys) };
  }
}
