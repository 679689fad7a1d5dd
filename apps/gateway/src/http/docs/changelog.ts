/** What changed on a day, as the changelog tells it. */
export interface Change {
  /** `2026-11-20` */
  readonly date: string;
  /** A version of the API began on that day; `domain/api-version.ts` has them all. */
  readonly version?: true;
  readonly added: readonly string[];
  readonly broken?: readonly string[];
}

/** Newest first. `docs/gateway/changelog.md` and `/docs/changelog` are made of it. */
export const CHANGELOG: readonly Change[] = [
  {
    date: '2026-11-28',
    added: [
      '`GET /monitoring/health` is answered while reports are slow (it was 503), and names commands that wait for one that has not come. What is late in an outage is not told as lost: `not_comparable` of I11 and I21 says why. `GET /monitoring/summary` and `/monitoring/database` are answered while only the database of monitoring is away, with `throughput.reason` and `busiest_reason`.',
      '`If-Match` is 400 `invalid_header` where something new is made (accounts, assets, payments, transfers, conversions, holds, keys, users): it was not looked at.',
      'A key or token in a path is told by its kind alone in the `instance` of a problem: `/keys/sk_test_{secret}`.',
      'Holds, their postings and voidings, reversals, corrections and conversions can be tried with `dry_run`, as transfers can: nothing is done, and no `Idempotency-Key` is needed. What a hold would be is told as a `hold_dry_run`. `transfers` of any dry run tell when each would count, in `effective_at`.',
      'What a browser asks beforehand (CORS) counts for the limit of its address, and stands in no request log.',
      'In CSV, what begins like a formula behind a semicolon, a tab or a new line within a text has an apostrophe in front: spreadsheets whose list separator that is ran it.',
      'A copy of `POST /auth/password` that began before the first had ended is answered as that was: it could be 401 `credentials_invalid`, and counted as a failed login.',
      'Every list that is carried away goes on when a connection to the database is lost between two pages: it broke off. Results of a bulk and transaction types wait for their turn, as all lists do.',
      'A login counts for the limit of its account (429 `rate_limited`) where its password is looked at, by the e-mail address and the organisation as they are named: what was refused as malformed, refreshes and invitations with an `email` counted as well, so that anybody could use up the tries of somebody else.',
      '`expand` shows the newest 100 refunds, captures and transfers of a payment, oldest first, and a page of payments ends early, with `next_cursor`, where what they have is much. `GET /refunds` and `GET /captures` with `payment` tell all.',
      'Transfers of an account, what metadata has been, and attempts are told by pages that end before they are too long, with `next_cursor`, and can be carried away: with much metadata they were 502 `bad_gateway`.',
      'A session ended by `DELETE /auth/sessions/{id}` and a block on a user lifted, with a test credential, stand in the live audit log as well: they stood in the test log alone.',
      'A key that is bound to addresses or has an end makes, rotates and opens no key that is bound less (403 `scopes_exceeded`), but rotates itself; users, who are bound to neither, it can neither make, invite nor let in again, nor give a role that may do more.',
      '`accounts` of a dry run is empty for who has not the scope `accounts:read`: `transfers:write` alone was told the balance of any account.',
      'What is asked of a payment with `If-Match` is 412 `version_differs` while something is under way that would leave the payment at another version, and where only the payments service knew yet that it is at another: of two refunds that asked for one version both were made.',
      '`GET /keys/{id}` is answered whole (200) whatever `If-None-Match` says: it was 304 of a key that had been used since, or had expired.',
      'An `Idempotency-Key` that a transfer of a bulk was asked for again with, alone, stands for that: with anything else it is 422 `idempotency_key_reused`. It was taken again.',
      '`Idempotency-Replayed` is on the answer to every copy that joins the first, also where both name the id that the client chose.',
      'The `complete_until` of a later page of a statement is that of its first, as all else that its pages tell: it was of the later page, and what was booked in between stood on none. A cursor that was given before this is 400 `cursor_invalid`: begin anew.',
      'An item of a bulk, and a correction, in a unit that is not defined is `asset_unknown`, as a transfer alone is: it was `assets_differ`.',
      'A conversion between two accounts of one asset is `assets_identical` whatever its amount would come to: it could be `conversion_too_small` or `conversion_too_large`.',
      'A bulk under an `id` of its own is known by what its terms mean: `conditions` that are left out or empty, and one instant written in another way, are the same bulk, and no longer `id_reused`.',
      'A reset of test mode leaves no `Idempotency-Key` of `POST /test/clock` behind: the same journey was answered as before, and the clock did not move.',
      'What is refused before there is a route (a path that is no text, an id longer than any, HTTP that is none, too large or too slow a head) has the security headers, `PayFlow-Version` and `Request-Id` of all other answers, but no `RateLimit`. `POST /payments/bulk_cancel` and `…/bulk_refund` are put off as late as a single cancellation or refund is.',
    ],
  },
  {
    date: '2026-11-27',
    added: [
      'A payment that failed is tried again once at a time: while a retry is under way, and when it has succeeded, another one fails with `payment_retried`, also one of a retry that failed itself. A retry that expired is out of the way, as one that failed or was called off.',
      '`POST /payments/{id}/authorize` of a payment that has begun as a sale, and whose customer has to act, is 409 `payment_not_confirmable`: it was answered 200, and the money was taken.',
      '`POST /holds/{id}/post` and `…/void` of a hold that a payment has placed are 409 `hold_of_payment`: they ended it, and the payment could not be captured any more.',
      'A correction without an `amount` books what is left of its transfer, and takes nothing again that was given back; what moves another transfer back can be neither reversed nor corrected (409 `transfer_is_reversal`).',
      'A key that is rotated once more gives the next one the `expires_at` that it was made with, and not the end of its overlap.',
      'What is refused with 403 for want of a scope counts for the limit of its key or user, and a key that was tried from an address where it must not be used stands in the request log.',
      'A logout or a change of the password under an `Idempotency-Key` that stands for somebody else’s is 422 `idempotency_key_reused`: it was answered as theirs, and nothing was done.',
      'Rotating and revoking a key and inviting a user take `If-Match`; ending a session, logging out, changing the password, lifting a block and the test clock refuse it (400 `invalid_header`): it was not looked at.',
      'Statements, transfers of an account, periods and attempts that are carried away go on when their service was away for a moment. Pages of other origins can read `WWW-Authenticate` and `Content-Disposition`.',
      'An API key has an `api_version`: the version of the API that answers it where a request has no `PayFlow-Version`. A new key has the newest, or the one that it is made with; `PATCH /keys/{id}` changes it, and rotation keeps it.',
      'What operations answer alike stands once in the OpenAPI document, under `components/responses`.',
      'An organisation may have as many exports under way as are free besides, eight at most; one of which no whole page was taken for ten seconds may be ended where an organisation that has none needs its place.',
      'The OpenAPI document names CSV and NDJSON of every list that comes in them, and the headers that every answer has, refusals too: `Request-Id`, `PayFlow-Version`, `RateLimit`, `RateLimit-Policy`, `traceparent`; `PayFlow-View-Lag` of reads. A path that no route can take (400 for its escapes, 414) is answered with its `Request-Id`, too.',
    ],
  },
  {
    date: '2026-11-26',
    added: [
      'Users with roles, logins and sessions, and API keys that are made, rotated and revoked over the API.',
      'Every list as CSV and as NDJSON, all of it; lists of accounts; a search; `GET /transactions`; the audit log and the request log.',
      'Rate limits, with `RateLimit` and `RateLimit-Policy`; `PayFlow-View-Lag` where what is shown is over a second behind.',
      'Blocks on keys and users that guessed at ids: `GET /blocks`, and `DELETE /blocks/{id}` to lift one.',
      'Test mode: a clock that travels, and a reset.',
      'The reference of the API tells of every operation which statuses, headers and problems its answers can have, with examples that are played against the running system; `code` of a problem is listed for each status of each operation.',
      'A page for each error, with its cause and its remedy, at `/docs/errors#code`.',
      '`If-Match` where holds are posted and voided, transfers reversed and corrected, reviews decided, disputes’ evidence submitted and periods closed: 412 `version_differs` where it is another version.',
      'Log-ins, failed ones too, and sessions that end stand in the audit log.',
      '`DELETE /limits/{id}`; a limit has `deleted_at`.',
      '`DELETE /risk_rules/{id}`; a risk rule has `deleted_at`.',
      'Filters in the OpenAPI document have the schemas that they are held to.',
      'The OpenAPI document and the reference explain every member of every body and resource.',
      'A body in which nothing must be said can be left out, or be empty: of captures, cancellations, refunds, confirmations, retries, reversals, postings and voidings of holds, and closings of periods.',
      'A capture with `"final":false` of a payment that is captured once is refused with 400 `invalid_request`: it gave back what was left.',
      'What is wrong with a body is told by what each member must be: which values there are, which types, how long; sums, accounts and instants that cannot be have their `pointer`.',
      'How the installation is doing (`/monitoring/…`) is shown to the organisation that runs it and no other: 403 `forbidden`.',
      'Every problem has a `detail`; `instance` is the path as it was asked for, also of `/api/…`; a credential that is not good is told from none by `WWW-Authenticate: Bearer error="invalid_token"`.',
      'Templates of transaction types take units of your own for assets, and their variables can be tried with `dry_run`.',
      'Of an atomic bulk that was refused, `error.detail` of each other item says which one it was.',
      '`Accept` is weighed by its `q`: the form of a list is the one that is wanted most.',
      'More than 32 parameters, or one that is no UTF-8, are 400 `invalid_parameter`; a request with two credentials is 400 `invalid_http`.',
      'An invitation ends when its user is given a role that may do more. What is done about a user in test mode stands in the live audit log, too.',
      'Statements and an account’s transfers tell of no `group` where nobody asked for one, as the transfers themselves do.',
      '`GET /transactions` tells of a payment that was captured by what was captured of it, and of a hold that was posted by what was posted of it.',
      '`GET /transfers/{id}` and the search find what refunds between accounts and disputes moved.',
      'A trial balance of the past tells of no account that was opened later, unless something was backdated to it; the pages of an account’s statement tell of what was known at the first.',
    ],
    broken: ['A PATCH needs `If-Match`: the ETag of what was seen, or `*`. Without, 428 `precondition_required`.'],
  },
  {
    date: '2026-11-20',
    version: true,
    added: [
      'The first version: payments, accounts, transfers, holds, conversions, disputes, limits and reviews, periods and proofs.',
    ],
  },
];
