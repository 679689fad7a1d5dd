/** Who made a request, of what organisation, and from where. */
export interface AuditOrigin {
  readonly organisation: string;
  readonly livemode: boolean;
  /** Id of the key or of the user. */
  readonly actor: string;
  readonly kind: 'key' | 'user';
  readonly address: string;
  readonly traceId: string | undefined;
  readonly requestId: string;
  /** `operationId` of the OpenAPI document. */
  readonly operation: string;
}

/** What the gateway shows of a thing that a command is about: what it was before is read with the entry itself. */
export type AuditedView = 'limit' | 'risk_rule' | 'review' | 'account' | 'transaction_type';

/** One change, as it is written down in the transaction that makes it. */
export interface AuditEntry {
  readonly origin: AuditOrigin;
  /** What was changed, by its public id. */
  readonly resource: string | null;
  /** It is about a user, though the resource is none: one of his sessions, a block on him. */
  readonly isOfUser?: boolean | undefined;
  /** Never a secret, and no card data. */
  readonly after: object | null;
  readonly before?: object | null | undefined;
  /** Instead of `before`: which view has it, whose, and under what UUID; a transaction type has its name alone. */
  readonly view?: { readonly of: AuditedView; readonly tenant: string; readonly uuid: string | null } | undefined;
}

/** An entry as the log has it. */
export interface AuditView {
  readonly id: string;
  /** To the microsecond: its place in a list. */
  readonly createdAt: string;
  readonly livemode: boolean;
  readonly actor: string;
  readonly actorKind: 'key' | 'user';
  readonly operation: string;
  readonly resource: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly address: string;
  readonly requestId: string;
  readonly traceId: string | null;
}

/** `2026-11-27T09:42:05.123`. */
const MILLISECONDS_LENGTH = 23;

/** An entry of the HTTP API. */
export function auditResource(view: AuditView) {
  const { id, livemode, actor, operation, resource, before, after } = view;
  const created_at = `${view.createdAt.slice(0, MILLISECONDS_LENGTH)}Z`;
  return {
    ...{ id, object: 'audit_entry', created_at, livemode, actor, actor_kind: view.actorKind, operation, resource },
    ...{ before, after, address: view.address, request_id: view.requestId, trace_id: view.traceId },
  };
}
