import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../../acceptance/writes.js';
import { sayAge } from './cached-read.js';
import { etagOf, isUnchanged } from '../edge/headers.js';

const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** The bytes of a final reply as they were rendered once, or 202 with what stands now. */
export function sendAnswer(
  reply: FastifyReply,
  answer: Answer,
  pending: () => { readonly location: string; readonly body: string },
): void {
  if (answer.kind === 'accepted') {
    const { location, body } = pending();
    void reply.status(202).headers({ 'content-type': JSON_CONTENT_TYPE, location }).send(body);
    return;
  }
  if (answer.replayed) void reply.header('idempotency-replayed', 'true');
  const { status, headers, body } = answer.reply;
  // As bytes: to a text Fastify would add a charset of its own. One that has its charset goes out with its head in one write.
  const isText = headers['content-type'] === JSON_CONTENT_TYPE;
  void reply
    .status(status)
    .headers(headers)
    .send(isText ? body : Buffer.from(body));
}

/** The 200 of a read, as it goes out. */
export interface Rendered {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Replies whose answer is wanted by who asked for it, and not yet by the client. */
const takers = new WeakMap<FastifyReply, (rendered: Rendered) => void>();

/** Sends a read's answer. Every read that may be cached answers through here. */
export function respond(reply: FastifyReply, rendered: Rendered): void {
  const take = takers.get(reply);
  if (take) take(rendered);
  // As bytes: to a text Fastify would add a charset of its own.
  else void reply.status(200).headers(rendered.headers).send(Buffer.from(rendered.body));
}

/** Whether the answer is wanted whole by who asked for it: what this client has of it is then not looked at. */
function isCaptured(reply: FastifyReply): boolean {
  return takers.has(reply);
}

/** What `work` answers on this reply, instead of sending it. */
export async function captured(reply: FastifyReply, work: () => Promise<unknown>): Promise<Rendered> {
  let answer: Rendered | undefined;
  takers.set(reply, (rendered) => (answer = rendered));
  try {
    await work();
  } finally {
    takers.delete(reply);
  }
  if (!answer) throw new TypeError('a cached route answered past `respond`');
  const link = reply.getHeader('link');
  return typeof link === 'string' ? { ...answer, headers: { ...answer.headers, link } } : answer;
}

/** 200 with a resource. */
export function sendResource(reply: FastifyReply, body: string, headers: Readonly<Record<string, string>> = {}): void {
  respond(reply, { headers: { 'content-type': JSON_CONTENT_TYPE, ...headers }, body });
}

/** 200 with a resource at a version, or 304 where the caller has it. `age_ms`: of one that came through a cache. */
export function sendVersioned(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, version, age_ms }: { readonly body: object; readonly version: number; readonly age_ms?: number },
): void {
  const etag = etagOf(version);
  if (age_ms !== undefined) sayAge(reply, age_ms);
  if (!isCaptured(reply) && isUnchanged(request.headers['if-none-match'], version))
    void reply.status(304).header('etag', etag).send();
  else sendResource(reply, JSON.stringify(body), { etag });
}
