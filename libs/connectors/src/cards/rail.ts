import type { HttpRail } from '../outbound/http-connector.js';
import { answerOf, foundOf } from './answers.js';
import { booksOf, booksRequest } from './books.js';
import { capabilities } from './capabilities.js';
import { disputeOf, disputeRequest } from './disputes.js';
import { inquiryOf, requestOf } from './requests.js';

/** The acquirer's API, with the key to it. */
export function cardsRail(apiKey: string): HttpRail {
  return {
    capabilities,
    requestOf: (wish) => requestOf(wish, apiKey),
    inquiryOf: (wish) => inquiryOf(wish, apiKey),
    answerOf,
    foundOf,
    books: { requestOf: (merchantReference) => booksRequest(merchantReference, apiKey), booksOf },
    disputes: { requestOf: (reference) => disputeRequest(reference, apiKey), disputeOf },
  };
}
