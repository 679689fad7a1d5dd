import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../acceptance/writes.js';
import { etagOf, isUnchanged } from './headers.js';

const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** The bytes of a final reply as they were rendered once, or 202 with what stands now. */
export function sendAnswer(
  reply: FastifyReply,
  answer: Answer,
  pending: { readonly location: string; readonly body: string },
): void {
  if (answer.kind === 'accepted') {
    void reply
      .status(202)
      .headers({ 'content-type': JSON_CONTENT_TYPE, location: pending.location })
      .send(pending.body);
    return;
  }
  if (answer.replayed) void reply.header('idempotency-replayed', 'true');
  // As bytes: to a text Fastify would add a charset of its own.
  void reply.status(answer.reply.status).headers(answer.reply.headers).send(Buffer.from(answer.reply.body));
}

/** 200 with a resource. */
export function sendResource(reply: FastifyReply, body: string, headers: Readonly<Record<string, string>> = {}): void {
  void reply
    .status(200)
    .headers({ 'content-type': JSON_CONTENT_TYPE, ...headers })
    .send(body);
}

/** 200 with a resource at a version, or 304 where the caller has it. */
export function sendVersioned(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, version }: { readonly body: object; readonly version: number },
): void {
  const etag = etagOf(version);
  if (isUnchanged(request.headers['if-none-match'], version)) void reply.status(304).header('etag', etag).send();
  else sendResource(reply, JSON.stringify(body), { etag });
}
