import { trace } from '@opentelemetry/api';
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ATTRIBUTES } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE } from '@payflow/service';
import { currentTraceparent } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PaymentBulks, type BulkItemResult, type PaymentBulk } from '../../acceptance/payment-bulks.js';
import { leaveWork } from '../../load/admission.js';
import { versionOf } from '../edge/api-version.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { bodyOf, type BulkBytes } from '../edge/edge.js';
import { fingerprint } from '../writes/fingerprint.js';
import { idempotencyKeyOf, refuseIfMatch, waitOf } from '../edge/headers.js';
import { refuseParameters } from '../lists/list-query.js';
import { NDJSON, wantsLines } from '../lists/other-forms.js';
import { cancelItems, paymentItems, refundItems, type PaymentBulkReader } from './payment-bulk.request.js';

/** Many payments, or many wishes of payments that are there, in one request, each with the answer it would have had alone. */
@Controller('api/v1/payments')
export class PaymentBulksController {
  constructor(
    private readonly bulks: PaymentBulks,
    @Inject(DATABASE) private readonly db: Database,
  ) {}

  @Post('bulk')
  @RouteConfig({ scope: 'payments:write', bulk: true } satisfies RouteAccess)
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(request, reply, paymentItems);
  }

  @Post('bulk_cancel')
  @RouteConfig({ scope: 'payments:write', traffic: 'critical', bulk: true } satisfies RouteAccess)
  cancel(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(request, reply, cancelItems);
  }

  @Post('bulk_refund')
  @RouteConfig({ scope: 'payments:write', traffic: 'critical', bulk: true } satisfies RouteAccess)
  refund(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.ask(request, reply, refundItems);
  }

  private async ask(request: FastifyRequest, reply: FastifyReply, read: PaymentBulkReader): Promise<void> {
    const received = performance.now();
    const { wait_ms, applied } = waitOf(request.headers.prefer);
    refuseIfMatch(request.headers['if-match']);
    refuseParameters(request.url);
    const body = bodyOf<BulkBytes>(request);
    const caller = callerOf(request);
    const { tenant, livemode, actor } = caller;
    const asked = {
      ...{ tenant, livemode, actor },
      idempotencyKey: idempotencyKeyOf(request.headers['idempotency-key']),
      fingerprint: fingerprint(request.method, request.url, body.bytes),
      apiVersion: versionOf(request),
      requestId: request.id,
      traceparent: currentTraceparent(),
    };
    const reading = { caller, db: this.db, now: new Date() };
    // Bulks have turns of their own, and few of them.
    leaveWork(request);
    const bulk = await this.bulks.submit(asked, () => read(body, reading), received + wait_ms);
    trace.getActiveSpan()?.setAttribute(ATTRIBUTES.paymentBulkId, bulk.id);
    if (applied) void reply.header('preference-applied', applied);
    send(request, reply, bulk);
  }
}

/** The whole as one JSON object or, where the caller would rather, a line of JSON per result. */
function send(request: FastifyRequest, reply: FastifyReply, { id, results, isCopy }: PaymentBulk): void {
  const pending = results.filter((result) => !result.reply).length;
  const isFinal = pending === 0;
  if (isFinal && isCopy) void reply.header('idempotency-replayed', 'true');
  const succeeded = results.filter((result) => (result.reply?.status ?? 400) < 400).length;
  const counts = { total: results.length, pending, succeeded, failed: results.length - pending - succeeded };
  const head = JSON.stringify({ id, object: 'payment_bulk', status: isFinal ? 'completed' : 'pending', counts });
  const texts = results.map(written);
  const asLines = wantsLines(request.headers.accept);
  const body = asLines
    ? texts.map((text) => `${text}\n`).join('')
    : `${head.slice(0, -1)},"results":[${texts.join(',')}]}`;
  void reply
    .status(isFinal ? 200 : 202)
    .headers({ 'content-type': asLines ? NDJSON : 'application/json; charset=utf-8', vary: 'accept' })
    // As bytes: to a text Fastify would add a charset of its own.
    .send(Buffer.from(body));
}

/** The answer as it was rendered once, in its place. */
function written({ index, id, reply }: BulkItemResult): string {
  const answer = reply?.body ?? 'null';
  return `{"index":${index},"id":${JSON.stringify(id)},"status":${reply?.status ?? 202},"answer":${answer}}`;
}
