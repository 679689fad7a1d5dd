import { Controller, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { trace } from '@opentelemetry/api';
import type { Notice, WebhookReader } from '@payflow/connectors';
import { ATTRIBUTES, METRICS } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import { counter, logger } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ownedNotice } from '../../webhooks/notice.js';
import { WebhookReaders } from '../../webhooks/readers.js';
import { WebhookReception } from '../../webhooks/reception.js';
import type { RouteAccess } from '../edge/authentication.js';
import { bodyOf, type RawBytes } from '../edge/edge.js';
import { refuseParameters } from '../lists/list-query.js';

const log = logger('provider-webhooks');
const received = counter(
  METRICS.providerWebhooks,
  'Webhooks of providers by what became of them: taken, copy, ignored, not_ours, malformed, unsigned.',
  ['connector', 'outcome'] as const,
);

/** What providers tell unasked. Nothing of a body is logged or put on a span: what is in it is not known yet. */
@Controller('api/v1/provider_webhooks')
export class ProviderWebhooksController {
  constructor(
    private readonly readers: WebhookReaders,
    private readonly reception: WebhookReception,
  ) {}

  /** 204 for whatever is the provider's and well-formed, though it may not concern us: it would only come again. */
  @Post(':connector')
  @RouteConfig({ signed: true } satisfies RouteAccess)
  async receive(
    @Param('connector') connector: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    refuseParameters(request.url);
    const reader = this.readers.get(connector);
    if (!reader) throw new Problem('not_found');
    const { bytes } = bodyOf<RawBytes>(request);
    received.inc({ connector, outcome: await this.outcomeOf(connector, read(connector, reader, request, bytes)) });
    void reply.status(204).send();
  }

  private async outcomeOf(connector: string, notice: Notice | null): Promise<string> {
    if (!notice) return 'ignored';
    const owned = ownedNotice(connector, notice);
    if (owned === 'malformed') throw malformed(connector);
    if (owned === 'not_ours') return owned;
    trace.getActiveSpan()?.setAttribute(ATTRIBUTES.paymentId, owned.data.id);
    const noted = await this.reception.take(owned);
    return noted === 'new' ? 'taken' : noted;
  }
}

/** Throws 401 where the provider did not write these bytes in the last five minutes, 400 where it did and they say nothing. */
function read(connector: string, reader: WebhookReader, { headers }: FastifyRequest, bytes: Buffer): Notice | null {
  const notice = attempted(connector, () => reader.read(single(headers), bytes, new Date()));
  if (notice !== undefined) return notice;
  received.inc({ connector, outcome: 'unsigned' });
  throw new Problem('webhook_signature_invalid');
}

/** A reader parses only what it has found to be signed. */
function attempted<T>(connector: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    log.warn(
      { connector, error_name: error instanceof Error ? error.name : 'unknown' },
      'a signed webhook was unreadable',
    );
    throw malformed(connector);
  }
}

function malformed(connector: string): Problem {
  received.inc({ connector, outcome: 'malformed' });
  return new Problem('invalid_request', { detail: 'The webhook is signed, and cannot be read.' });
}

/** Each header once: of a repeated one nobody knows which was signed. */
function single(headers: FastifyRequest['headers']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => typeof value === 'string')) as Record<
    string,
    string
  >;
}
