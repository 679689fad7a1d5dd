import { createHash } from 'node:crypto';
import {
  applyDecorators,
  Injectable,
  SetMetadata,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { LayeredCache } from '@payflow/cache';
import { Problem, unavailable } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { RESPONSE, TAGS, VIEW } from '../../cache/catalogue.js';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import type { KeptResponse, ResponseKey } from '../../cache/response.js';
import { captured } from './answer.js';
import { callerOf } from '../edge/authentication.js';
import { versionOf } from '../edge/api-version.js';
import type { Caller } from '../edge/caller.js';
import { readCached, sayAge } from './cached-read.js';
import { isExport } from '../lists/export.js';
import { isUnchanged, opaqueOf } from '../edge/headers.js';
import { addVary } from '../edge/vary.js';
import { ready } from './ready-answer.js';

/** What an answer to the request depends on; undefined where it must be made each time. */
export type TagsOf = (request: FastifyRequest, caller: Caller) => readonly string[] | undefined;

const TAGS_OF = 'payflow:cached-response';
/** What is carried away is not read twice, and need not fit into memory. */
const EXPORTS = /csv|ndjson/i;
/** Reads at work with the ledger, and those that wait: a ledger that answers slowly holds up nobody else. */
const FORWARDED = { running_max: 64, waiting_max: 200 };

type Keeper = 'responses' | 'views';

interface Kept {
  readonly tagsOf: TagsOf;
  readonly by: Keeper;
}

/** The database's own turns are shorter; these only keep what waits for one of them from growing. */
const SHOWN = { running_max: 256, waiting_max: 256 };

/** The answers of this route are kept, and forgotten with what they depend on. The route's class uses {@link ResponseCache}. */
export const CachedResponse = (tagsOf: TagsOf): MethodDecorator =>
  SetMetadata(TAGS_OF, { tagsOf, by: 'responses' } satisfies Kept);

/**
 * What this route shows of the gateway's own views is kept until anything of the owner's changes: by a write that this process
 * accepts, or by an event. Only for what the acceptance and the events change; what is written elsewhere would not be missed.
 */
export const CachedView = (): MethodDecorator =>
  applyDecorators(
    SetMetadata(TAGS_OF, { tagsOf: ofViews, by: 'views' } satisfies Kept),
    // On the method: what its controller writes goes without.
    UseInterceptors(ResponseCache),
  );

const ofViews: TagsOf = ({ url, headers }, owner) => {
  // What is shown within a thing may be another service's.
  if (url.includes('expand=') || EXPORTS.test(headers.accept ?? '')) return undefined;
  return [TAGS.views(owner)];
};

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly tags: readonly string[];
  readonly cache: LayeredCache<ResponseKey & Partial<Work>, KeptResponse>;
  readonly next: CallHandler;
}

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
  readonly #caches: Readonly<Record<Keeper, LayeredCache<ResponseKey & Partial<Work>, KeptResponse>>>;

  constructor(
    private readonly reflector: Reflector,
    caches: GatewayCaches,
  ) {
    const of = (family: typeof RESPONSE, limit: typeof FORWARDED) =>
      caches.all.of<ResponseKey & Partial<Work>, KeptResponse>(family, async ({ make }) => make?.(), {
        ...limit,
        refuse: () => unavailable(),
      });
    this.#caches = { responses: of(RESPONSE, FORWARDED), views: of(VIEW, SHOWN) };
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const kept = this.reflector.get<Kept | undefined>(TAGS_OF, context.getHandler());
    if (!kept) return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const tags = kept.tagsOf(request, callerOf(request));
    // What is carried away whole is no answer to keep.
    if (!tags || isExport(request)) return next.handle();
    const cache = this.#caches[kept.by];
    return from(this.#answer({ request, reply: http.getResponse<FastifyReply>(), tags, cache, next }));
  }

  async #answer({ request, reply, tags, cache, next }: Asked): Promise<void> {
    const { tenant, livemode, scopes } = callerOf(request);
    const { accept = '' } = request.headers;
    const form = [request.url, accept, versionOf(request), [...scopes].sort().join(' ')].join('\n');
    const key = {
      owner: { tenant, livemode },
      request: createHash('sha256').update(form).digest('base64url'),
      tags,
      make: () => made(reply, next),
    };
    const { value, age_ms } = await readCached(request, cache, key);
    if (!value) throw new Problem('not_found');
    if (value.kind === 'refusal') throw value.problem;
    sayAge(reply, age_ms);
    // As the key has it, also where the handler was not asked.
    addVary(reply, 'accept');
    const { etag, headers, bytes } = ready(value);
    void reply.header('etag', etag);
    if (isUnchanged(request.headers['if-none-match'], opaqueOf(etag))) void reply.status(304).send();
    else void reply.status(200).headers(headers).send(bytes);
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
