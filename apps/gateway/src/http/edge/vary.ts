import type { FastifyReply } from 'fastify';

/** Adds a header's name to those that the answer depends on. */
export function addVary(reply: FastifyReply, name: string): void {
  const before = String(reply.getHeader('vary') ?? '');
  const names = before.split(',').map((one) => one.trim().toLowerCase());
  if (!names.includes(name) && before !== '*') void reply.header('vary', before === '' ? name : `${before}, ${name}`);
}
