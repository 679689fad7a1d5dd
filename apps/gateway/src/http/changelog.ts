/** What changed on a day, as the changelog tells it. */
export interface Change {
  /** `2026-11-20` */
  readonly date: string;
  /**
   * Of the day on which a version of the API began: how an answer of it is turned into one of the version before. Everything
   * that breaks a client begins a version; what only adds does not.
   */
  readonly version?: Version;
  readonly added: readonly string[];
  readonly broken?: readonly string[];
}

export interface Version {
  /** From an answer's JSON as this version has it to the JSON of the version before, or undefined where they are the same. */
  readonly down?: (answer: Answered) => unknown;
}

export interface Answered {
  readonly method: string;
  /** As the route has it: `/api/v1/payments/:id`. */
  readonly route: string;
  readonly status: number;
  readonly body: unknown;
}

/** Newest first. `docs/gateway/changelog.md` and `/docs/changelog` are made of it, and so is the list of the API's versions. */
export const CHANGELOG: readonly Change[] = [
  {
    date: '2026-11-26',
    added: [
      'The reference of the API tells of every operation which statuses, headers and problems its answers can have, with examples that are played against the running system; `code` of a problem is listed for each status of each operation.',
      'A page for each error, with its cause and its remedy, at `/docs/errors#code`.',
      'Filters in the OpenAPI document have the schemas that they are held to.',
    ],
  },
  {
    date: '2026-11-20',
    version: {},
    added: [
      'The first version: payments, accounts, transfers, holds, conversions, disputes, limits and reviews, periods and proofs.',
    ],
  },
];
