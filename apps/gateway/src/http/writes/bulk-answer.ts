import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BulkStanding } from '../../acceptance/bulks.js';
import { slices } from '../../acceptance/slices.js';
import { bulkResource, type BulkResult } from '../../domain/bulk.js';
import { NDJSON, wantsLines } from '../lists/other-forms.js';

/** Results written down in one turn of the event loop. */
const RESULTS_PER_TURN = 1_000;

/** Sends a bulk with its results, as one JSON object or, where the caller would rather, a line of JSON per result. */
export async function sendBulk(
  request: FastifyRequest,
  reply: FastifyReply,
  { view, results }: BulkStanding,
): Promise<void> {
  const texts = await written(results);
  const asLines = wantsLines(request.headers.accept);
  const resource = JSON.stringify(bulkResource(view, results));
  const body = asLines
    ? texts.map((text) => `${text}\n`).join('')
    : `${resource.slice(0, -1)},"results":[${texts.join(',')}]}`;
  void reply
    .headers({ 'content-type': asLines ? NDJSON : 'application/json; charset=utf-8', vary: 'accept' })
    // As bytes: to a text Fastify would add a charset of its own.
    .send(Buffer.from(body));
}

async function written(results: readonly BulkResult[]): Promise<string[]> {
  const texts: string[] = [];
  for await (const slice of slices(results, RESULTS_PER_TURN))
    for (const result of slice) texts.push(JSON.stringify(result));
  return texts;
}
