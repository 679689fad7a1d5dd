import type { ProviderBooks } from '../connector.js';
import type { HttpAnswer } from '../outbound/http-exchange.js';
import type { HttpRequest } from '../outbound/http-line.js';
import { fieldsOf, parsed, type Fields } from '../reading.js';

/** Asks for the acquirer's own books: all of them, or what it knows a merchant reference by. */
export function booksRequest(merchantReference: string | null, apiKey: string): HttpRequest {
  const page = merchantReference === null ? '' : `/${encodeURIComponent(merchantReference)}`;
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json' };
  return { method: 'GET', path: `/v1/books${page}`, headers };
}

/** The books of an answer. Throws where it tells of none: no sum of ours may be held against a guess. */
export function booksOf({ status, body }: HttpAnswer): ProviderBooks[] {
  const data = fieldsOf(parsed(body))?.['data'];
  if (status !== 200 || !Array.isArray(data))
    throw new Error(`the acquirer's books cannot be read: it answered ${status}`);
  return data.map((page: unknown) => {
    const fields = fieldsOf(page) ?? {};
    const { currency } = fields;
    if (typeof currency !== 'string' || !/^[A-Z0-9]{3,12}$/.test(currency))
      throw new Error('a page of the books has no currency');
    return {
      asset: currency,
      captured: digits(fields, 'captured'),
      refunded: digits(fields, 'refunded'),
      disputed: digits(fields, 'disputed'),
      disputeReversed: digits(fields, 'dispute_reversed'),
    };
  });
}

function digits(page: Fields, name: string): string {
  const value = page[name];
  // Sums of many payments may be longer than any one of them.
  if (typeof value !== 'string' || !/^(0|[1-9][0-9]{0,37})$/.test(value))
    throw new Error(`a page of the books has no ${name}`);
  return value;
}
