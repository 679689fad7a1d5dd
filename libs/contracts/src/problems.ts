import { DISPUTE_PROBLEMS } from './dispute-problems.js';
import { IDENTITY_PROBLEMS } from './identity-problems.js';
import { LOAD_PROBLEMS } from './load-problems.js';
import { PAYMENT_PROBLEMS } from './payment-problems.js';
import { TEST_MODE_PROBLEMS } from './test-mode-problems.js';
import { TRAFFIC_PROBLEMS } from './traffic-problems.js';
import { RESOURCE_PROBLEMS } from './resource-problems.js';

/** Every `code` an HTTP answer can carry, with its status, meaning and remedy. The error catalogue is made from it. */
export interface ProblemSpec {
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
  /** True when the same request may succeed later without a change. */
  readonly retryable?: true;
}

export const PROBLEMS = {
  invalid_json: {
    status: 400,
    title: 'The body is not valid JSON',
    remedy: 'Send one JSON object in UTF-8, without duplicate keys, `__proto__`, NUL or lone surrogates.',
  },
  invalid_http: {
    status: 400,
    title: 'The request is not valid HTTP',
    remedy: 'Send HTTP/1.1 as RFC 9112 says, with one of Content-Length and Transfer-Encoding.',
  },
  invalid_request: {
    status: 400,
    title: 'The request has the wrong shape',
    remedy: 'See `errors`: each names the field and what it must be.',
  },
  invalid_parameter: {
    status: 400,
    title: 'A parameter is wrong or unknown',
    remedy: 'See `errors`; unknown and repeated parameters are refused.',
  },
  invalid_id: {
    status: 400,
    title: 'The id is malformed',
    remedy: 'Ids are a prefix, an underscore and 26 characters, as PayFlow returned them.',
  },
  invalid_header: { status: 400, title: 'A header is malformed', remedy: 'See `detail` for the header and its form.' },
  idempotency_key_missing: {
    status: 400,
    title: 'Idempotency-Key is missing',
    remedy: 'Send an Idempotency-Key header, new for each intent, repeated for each retry.',
  },
  idempotency_key_malformed: {
    status: 400,
    title: 'Idempotency-Key is malformed',
    remedy: 'Send it once, 1 to 255 visible ASCII characters.',
  },
  cursor_invalid: {
    status: 400,
    title: 'The cursor is not one of ours',
    remedy: 'Use `next_cursor` exactly as it was returned.',
  },
  cursor_mismatch: {
    status: 400,
    title: 'The cursor belongs to other filters',
    remedy: 'Repeat the filters of the first page with every cursor.',
  },
  ...PAYMENT_PROBLEMS,
  ...TEST_MODE_PROBLEMS,
  ...DISPUTE_PROBLEMS,
  ...TRAFFIC_PROBLEMS,
  ...IDENTITY_PROBLEMS,
  ...RESOURCE_PROBLEMS,
  unauthenticated: {
    status: 401,
    title: 'No valid credential',
    remedy: 'Send `Authorization: Bearer` with an API key, or with the access token of a login.',
  },
  declined: {
    status: 402,
    title: 'The payment was refused',
    remedy: 'See `payment.failure.code`; a new attempt needs a new payment.',
  },
  insufficient_funds: {
    status: 402,
    title: 'The account has less available than the amount',
    remedy: 'Fund the account, or ask for less; a new attempt needs a new key and id.',
  },
  forbidden: {
    status: 403,
    title: 'The credential lacks the scope',
    remedy: 'Use a key, or a user of a role, with the scope named in `detail`.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    remedy: 'Check the id and the path; resources of other organisations and of the other mode are not shown.',
  },
  method_not_allowed: { status: 405, title: 'Method not allowed', remedy: 'See the Allow header.' },
  request_timeout: {
    status: 408,
    title: 'The request came too slowly',
    remedy: 'Send the whole request within the time limit.',
    retryable: true,
  },
  account_exists: {
    status: 409,
    title: 'The account exists already',
    remedy: 'Use the existing account, or another id or path.',
  },
  account_refused: {
    status: 409,
    title: 'The account could not be opened',
    remedy: 'See `detail` for the reason; it was not a fault of the request.',
  },
  account_closed: { status: 409, title: 'The account is closed', remedy: 'Use another account.' },
  account_frozen: { status: 409, title: 'The account is frozen for this', remedy: 'Thaw the account, then try anew.' },
  account_not_empty: {
    status: 409,
    title: 'The account is not at zero',
    remedy: 'Move its balance away and end its holds, then close it.',
  },
  account_pending: {
    status: 409,
    title: 'The account is not open yet',
    remedy: 'Wait for the end of its opening, then send the same request again.',
    retryable: true,
  },
  asset_exists: {
    status: 409,
    title: 'A unit with this code was defined with other content',
    remedy: 'A unit stays as it was defined: use it as it is, or another code.',
  },
  balance_overflow: {
    status: 409,
    title: 'A counter of the account would pass the largest number it can hold',
    remedy: 'Use another account.',
  },
  condition_failed: {
    status: 409,
    title: 'An account is not as a condition demands',
    remedy: 'Read the account, decide anew, and send new conditions.',
  },
  review_not_open: {
    status: 409,
    title: 'The review is over',
    remedy: 'Read the review: it was decided, or its payment ran out of time.',
  },
  too_many_limits: {
    status: 409,
    title: 'The organisation has as many limits as it can have',
    remedy: 'Define one of those that are there anew: at most 100 in each mode.',
  },
  too_many_risk_rules: {
    status: 409,
    title: 'The organisation has as many rules as it can have',
    remedy: 'Define one of those that are there anew: at most 100 in each mode.',
  },
  hold_exceeded: {
    status: 409,
    title: 'The amount is more than is still held',
    remedy: 'Read the hold: `amount` less `posted` is left.',
  },
  hold_expired: { status: 409, title: 'The time of the hold is over', remedy: 'Place a new hold.' },
  hold_not_pending: {
    status: 409,
    title: 'The hold is not pending',
    remedy: 'Only a hold that has been placed and has not ended can be posted or voided.',
  },
  hold_of_payment: {
    status: 409,
    title: 'The hold belongs to a payment',
    remedy:
      'Capture or cancel the payment that it names: of what else became of its money, the payment would not know.',
  },
  operation_refused: {
    status: 409,
    title: 'The ledger refused',
    remedy: 'See `detail` for the reason; it was not a fault of the request.',
  },
  overdraft_in_use: {
    status: 409,
    title: 'The account is further below zero than the change would allow',
    remedy: 'Fund the account, or allow it more.',
  },
  period_closed: {
    status: 409,
    title: 'The month is closed',
    remedy: 'Book the correction in the open period: send a later `effective_at`, or none.',
  },
  period_not_over: {
    status: 409,
    title: 'The month is not over',
    remedy: 'Close it when it is: a month is one of UTC.',
  },
  period_out_of_order: {
    status: 409,
    title: 'The month before it is open',
    remedy: 'Close the months in order, one after another.',
  },
  reversal_exceeds_original: {
    status: 409,
    title: 'No more can be moved back than the transfer moved',
    remedy: 'Read the transfer: `amount` less `reversed` is left.',
  },
  too_many_assets: {
    status: 409,
    title: 'The organisation has as many units of its own as it can have',
    remedy: 'Use the units that are there: at most 1,000 in each mode.',
  },
  transfer_corrected: {
    status: 409,
    title: 'The transfer has been corrected already',
    remedy: 'Correct the one that stands in its place: `corrected_by` of the transfer.',
  },
  transfer_is_reversal: {
    status: 409,
    title: 'The transfer moves another one back',
    remedy: 'It can be neither reversed nor corrected: what shall move again is another transfer.',
  },
  transfer_not_posted: {
    status: 409,
    title: 'The transfer is not posted',
    remedy: 'Only a posted transfer can be reversed or corrected; wait for its end.',
  },
  transfer_of_payment: {
    status: 409,
    title: 'The transfer belongs to a payment',
    remedy:
      'Give its money back through the payment that it names, or by a transfer of its own: the payment would not know.',
  },
  transfer_not_sealed: {
    status: 409,
    title: 'The transfer is not sealed yet',
    remedy: 'Ask again in a minute: proofs begin with the next signed head of the history.',
    retryable: true,
  },
  version_differs: {
    status: 412,
    title: 'It has another version than If-Match says',
    remedy: 'Read it again, and decide anew.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    remedy: 'At most 256 KiB, and 4 MiB for a bulk; where less is allowed, see `detail`.',
  },
  uri_too_long: { status: 414, title: 'The address is too long', remedy: 'Shorten the path or the query.' },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported content type',
    remedy: 'Send `Content-Type: application/json`, not compressed; a bulk may be `application/x-ndjson` too.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key was used for another request',
    remedy: 'Use a new key for a new intent.',
  },
  id_reused: { status: 422, title: 'The id was used before with other content', remedy: 'Use a new id, or none.' },
  account_not_found: {
    status: 422,
    title: 'The account does not exist',
    remedy: 'Open the account first; see `errors` for the field.',
  },
  accounts_identical: {
    status: 422,
    title: 'Source and destination are the same',
    remedy: 'Name two different accounts.',
  },
  amount_not_positive: {
    status: 422,
    title: 'The amount must be greater than zero',
    remedy: 'Send a positive amount.',
  },
  assets_differ: {
    status: 422,
    title: "The asset differs from the account's",
    remedy: 'Both accounts and the payment must be of one asset.',
  },
  asset_reserved: {
    status: 422,
    title: 'The code is, or may become, that of a currency or a crypto asset',
    remedy: 'Use another code, of four to twelve letters and digits.',
  },
  asset_unknown: {
    status: 422,
    title: 'Unknown asset',
    remedy: 'Use a code that PayFlow knows, in upper case, or define a unit of your own first.',
  },
  assets_identical: {
    status: 422,
    title: 'Source and destination are of the same asset',
    remedy: 'Convert between two assets; within one, send a transfer.',
  },
  conversion_too_large: {
    status: 422,
    title: 'At the rate the amount would pass the largest number that can be booked',
    remedy: 'Convert less, and see whether the rate is one between minor units.',
  },
  conversion_too_small: {
    status: 422,
    title: 'At the rate the amount is worth less than one minor unit',
    remedy: 'Convert more, and see whether the rate is one between minor units.',
  },
  effective_in_future: {
    status: 422,
    title: 'The books cannot show a transfer before it is made',
    remedy: 'Send an `effective_at` that is not in the future, or none.',
  },
  expires_at_past: {
    status: 422,
    title: 'The hold would be over already',
    remedy: 'Send an `expires_at` in the future, or none.',
  },
  group_too_large: {
    status: 422,
    title: 'The group touches too many accounts, or names too many types',
    remedy: 'At most 1,200 accounts and 20 transaction types in one group.',
  },
  hold_not_found: {
    status: 422,
    title: 'The ledger knows no such hold',
    remedy: 'Check the hold; it was never placed.',
  },
  posting_rule_broken: {
    status: 422,
    title: 'Transfers of this type may not debit or credit the account',
    remedy: 'Read the transaction type for the accounts that it allows, or name another type, or none.',
  },
  template_parts_exceed_whole: {
    status: 422,
    title: 'The parts come to more than the amount they are parts of',
    remedy: 'Send a greater amount, or smaller parts; see `errors` for the variable.',
  },
  transaction_type_without_template: {
    status: 422,
    title: 'The transaction type has no template',
    remedy: 'Send the transfers themselves with its name as their `type`, or define a template.',
  },
  transaction_type_not_found: {
    status: 422,
    title: 'There is no such transaction type',
    remedy: 'Define the type first; types of other organisations and of the other mode are not known.',
  },
  transfer_not_found: {
    status: 422,
    title: 'The ledger knows no such transfer',
    remedy: 'Check the transfer; it was never posted.',
  },
  headers_too_large: { status: 431, title: 'The headers are too large', remedy: 'At most 16 KiB of headers.' },
  internal: {
    status: 500,
    title: 'An error of ours',
    remedy: 'Retry with the same Idempotency-Key; report the request id if it persists.',
    retryable: true,
  },
  bad_gateway: {
    status: 502,
    title: 'The owner of the resource gave no valid answer',
    remedy: 'Retry.',
    retryable: true,
  },
  database_busy: {
    status: 503,
    title: 'More is asked of the database than it has connections for',
    remedy: 'Wait as Retry-After says, then retry with the same Idempotency-Key; send fewer requests at once.',
    retryable: true,
  },
  ...LOAD_PROBLEMS,
  unavailable: {
    status: 503,
    title: 'Not available right now',
    remedy: 'Wait as Retry-After says, then retry with the same Idempotency-Key.',
    retryable: true,
  },
  gateway_timeout: {
    status: 504,
    title: 'The owner of the resource did not answer in time',
    remedy: 'Retry.',
    retryable: true,
  },
} as const satisfies Record<string, ProblemSpec>;

export type ProblemCode = keyof typeof PROBLEMS;
