import type { ProblemCode } from '@payflow/contracts';
import type { Scope } from '../../domain/scope.js';

type OtherForm = 'text/csv' | 'application/x-ndjson';
/** Every list that has pages comes in these, and what else says so. */
export const BOTH_FORMS = ['text/csv', 'application/x-ndjson'] as const satisfies readonly OtherForm[];

/** One operation of the API, as the OpenAPI document needs it. */
export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'post' | 'patch' | 'put' | 'delete';
  readonly path: string;
  readonly summary: string;
  /** `signature`: no key, but a signature over the body. `open`: no credential, because it gives one. */
  readonly scope: Scope | 'any' | 'signature' | 'open';
  readonly body?: string;
  /** Schema of the answer, unless it is empty, and its status. */
  readonly answer?: string;
  readonly status: 200 | 201 | 204;
  readonly query?: readonly string[];
  /** Parameters of the query that it cannot do without. */
  readonly requiredQuery?: readonly string[];
  /** Computed anew at each read: it has no ETag. */
  readonly computed?: true;
  /** Ends at the gateway: the answer is final, nothing is waited for. */
  readonly own?: true;
  /** A POST that looks at If-Match; every PATCH and PUT does, and a DELETE of its own that says so. */
  readonly conditional?: true;
  /** Its outcome has no place of its own: the same request again, under its key, tells it. */
  readonly withoutPlace?: true;
  /** Schema of the 200 that answers a body with `dry_run`. */
  readonly dryRun?: string;
  /** Parameters of the query whose schema cannot be told from what is listed. */
  readonly querySchemas?: Readonly<Record<string, object>>;
  /** Media types in which the answer comes by `Accept`, beside JSON. */
  readonly forms?: readonly OtherForm[];
  /** Media types that the body may have, beside JSON. */
  readonly bodyForms?: readonly 'application/x-ndjson'[];
  readonly problems: readonly ProblemCode[];
}

/** Whether it is open to whoever has no key: who signs, and who is about to get a credential. */
export function needsNoCredential({ scope }: Pick<Operation, 'scope'>): boolean {
  return scope === 'signature' || scope === 'open';
}

/** Whether it reads one thing that has a version: then with an ETag. */
export function isVersioned({ method, path, computed, answer = '' }: Operation): boolean {
  return method === 'get' && path.includes('{') && !computed && !answer.endsWith('List');
}

export const CHANGE_PROBLEMS = [
  'invalid_json',
  'invalid_request',
  'invalid_parameter',
  'invalid_header',
  'idempotency_key_missing',
  'idempotency_key_malformed',
  'payload_too_large',
  'unsupported_media_type',
  'idempotency_key_reused',
] as const satisfies readonly ProblemCode[];
export const WRITE_PROBLEMS = [
  ...CHANGE_PROBLEMS,
  'id_reused',
  'asset_unknown',
] as const satisfies readonly ProblemCode[];
/** Of a write that ends at the gateway; with a body, {@link CHANGE_PROBLEMS} beside. */
export const OWN_PROBLEMS = [
  'invalid_parameter',
  'idempotency_key_missing',
  'idempotency_key_malformed',
  'idempotency_key_reused',
  'key_in_use',
] as const satisfies readonly ProblemCode[];
export const MOVEMENT_PROBLEMS = [
  'insufficient_funds',
  'account_closed',
  'account_frozen',
  'balance_overflow',
  'operation_refused',
  'account_not_found',
  'accounts_identical',
  'amount_not_positive',
  'assets_differ',
] as const satisfies readonly ProblemCode[];
export const LIST_PROBLEMS = [
  'invalid_parameter',
  'cursor_invalid',
  'cursor_mismatch',
] as const satisfies readonly ProblemCode[];
export const ONE_PROBLEMS = ['invalid_id', 'invalid_parameter', 'not_found'] as const satisfies readonly ProblemCode[];
export const FORWARDED_PROBLEMS = [
  'invalid_parameter',
  'bad_gateway',
  'gateway_timeout',
] as const satisfies readonly ProblemCode[];
