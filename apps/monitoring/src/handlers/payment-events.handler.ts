import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, type Handled } from '@payflow/messaging';
import { addPayments, type PaymentMinute } from '../database/throughput.repository.js';
import { countLatency, emptyCounts } from '../latency.js';

type FinalEvent = AnyMessage<
  | 'payflow.payment.succeeded.v1'
  | 'payflow.payment.failed.v1'
  | 'payflow.payment.canceled.v1'
  | 'payflow.payment.expired.v1'
>;

const MINUTE_MS = 60_000;

/** Counts payments that ended, late and in large batches: one statement per batch. */
@Controller()
export class PaymentEventsHandler {
  @Consumes('monitoring.payments')
  async handle(@Payload() events: readonly FinalEvent[], @Ctx() tx: Transaction): Promise<Handled> {
    await addPayments(tx, minutesOf(events));
    return { messages: [] };
  }
}

/** The events by minute and status, with their latencies. */
export function minutesOf(events: readonly FinalEvent[]): PaymentMinute[] {
  const minutes = new Map<string, { minute: Date; status: string; payments: number; latencyCounts: number[] }>();
  for (const { data } of events) {
    const ended = Date.parse(data.updated_at);
    const minute = new Date(ended - (ended % MINUTE_MS));
    const key = `${minute.getTime()} ${data.status}`;
    const entry = minutes.get(key) ?? { minute, status: data.status, payments: 0, latencyCounts: emptyCounts() };
    entry.payments += 1;
    countLatency(entry.latencyCounts, ended - Date.parse(data.created_at));
    minutes.set(key, entry);
  }
  return [...minutes.values()];
}
