import { createHash } from 'node:crypto';
import { Injectable, SetMetadata, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { LayeredCache } from '@payflow/cache';
import { Problem, unavailable } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { RESPONSE } from '../cache/catalogue.js';
import { GatewayCaches } from '../cache/gateway-caches.js';
import type { KeptResponse, ResponseKey } from '../cache/response.js';
import { captured, respond } from './answer.js';
import { callerOf } from './authentication.js';
import type { Caller } from './caller.js';
import { readCached, sayAge } from './cached-read.js';
import { isExport } from './export.js';
import { isUnchanged } from './headers.js';

/** What an answer to the request depends on; undefined where it must be made each time. */
export type TagsOf = (request: FastifyRequest, caller: Caller) => readonly string[] | undefined;

const TAGS_OF = 'payflow:cached-response';
const ETAG_LENGTH = 22;
/** Reads at work with the ledger, and those that wait: a ledger that answers slowly holds up nobody else. */
const FORWARDED = { running_max: 64, waiting_max: 200 };

/** The answers of this route are kept, and forgotten with what they depend on. The route's class uses {@link ResponseCache}. */
export const CachedResponse = (tagsOf: TagsOf): MethodDecorator => SetMetadata(TAGS_OF, tagsOf);

interface Work {
  readonly key: ResponseKey;
  readonly make: () => Promise<KeptResponse>;
}

/**
 * Answers safe requests from the cache of responses: per tenant, mode, scopes, URL and form, with ETag, Age and 304. A
 * refusal is never kept, and a handler whose owner is away is stood in for by its last answer, for a minute at most.
 */
@Injectable()
export class ResponseCache implements NestInterceptor {
  readonly #responses: LayeredCache<ResponseKey & Partial<Work>, KeptResponse>;

  constructor(
    private readonly reflector: Reflector,
    caches: GatewayCaches,
  ) {
    this.#responses = caches.all.of<ResponseKey & Partial<Work>, KeptResponse>(RESPONSE, async ({ make }) => make?.(), {
      ...FORWARDED,
      refuse: () => unavailable(),
    });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const tagsOf = this.reflector.get<TagsOf | undefined>(TAGS_OF, context.getHandler());
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const tags = tagsOf?.(request, callerOf(request));
    // What is carried away whole is no answer to keep.
    if (!tags || isExport(request)) return next.handle();
    return from(this.#answer(request, http.getResponse<FastifyReply>(), tags, next));
  }

  async #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    tags: readonly string[],
    next: CallHandler,
  ): Promise<void> {
    const { tenant, livemode, scopes } = callerOf(request);
    const form = [request.url, request.headers.accept ?? '', [...scopes].sort().join(' ')].join('\n');
    const key = {
      owner: { tenant, livemode },
      request: createHash('sha256').update(form).digest('base64url'),
      tags,
      make: () => made(reply, next),
    };
    const { value, age_ms } = await readCached(request, this.#responses, key);
    if (!value) throw new Problem('not_found');
    if (value.kind === 'refusal') throw value.problem;
    sayAge(reply, age_ms);
    const opaque = createHash('sha256').update(value.body).digest('base64url').slice(0, ETAG_LENGTH);
    void reply.header('etag', `W/"${opaque}"`);
    if (isUnchanged(request.headers['if-none-match'], opaque)) void reply.status(304).send();
    else respond(reply, value);
  }
}

/** What the handler answers. What it refuses is its word as well; that its owner is away is nobody's. */
async function made(reply: FastifyReply, next: CallHandler): Promise<KeptResponse> {
  try {
    return {
      kind: 'answer',
      ...(await captured(reply, () => lastValueFrom(next.handle(), { defaultValue: undefined }))),
    };
  } catch (error) {
    if (error instanceof Problem && error.status < 500) return { kind: 'refusal', problem: error };
    throw error;
  }
}
