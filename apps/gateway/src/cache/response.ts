import type { Problem } from '@payflow/service';
import type { Owner } from '../database/keys.js';

/** Which answer: whose, to what, and what it depends on. */
export interface ResponseKey {
  readonly owner: Owner;
  /** Path, query, form and scopes, as one short text. */
  readonly request: string;
  readonly tags: readonly string[];
}

/** What a handler answered: 200 with headers and a body, or a refusal, which is not kept. */
export type KeptResponse =
  | { readonly kind: 'answer'; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | { readonly kind: 'refusal'; readonly problem: Problem };
