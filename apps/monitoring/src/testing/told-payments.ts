import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import type { AcknowledgedPage, PaymentKey, PaymentState } from '@payflow/invariants';

/** What the gateway and payments tell of payments, as a spec wants it. */
export const told: { shown: PaymentState[]; kept: PaymentState[] } = { shown: [], kept: [] };

@Controller('internal/acknowledged_payments')
export class ToldPayments {
  @Get()
  page(): AcknowledgedPage {
    return { data: told.shown, next: null, more: false };
  }

  @Post()
  @HttpCode(200)
  again(@Body() { payments }: { payments: PaymentKey[] }): { data: PaymentState[] } {
    return { data: told.shown.filter(({ id }) => payments.some((one) => one.id === id)) };
  }
}

@Controller('internal/payment_states')
export class KeptPayments {
  @Post()
  @HttpCode(200)
  states(@Body() { payments }: { payments: PaymentKey[] }): { data: PaymentState[] } {
    return { data: told.kept.filter(({ id }) => payments.some((one) => one.id === id)) };
  }
}
