/** What the acquirer sends, as far as we look at it; read with distrust, field by field. */
export interface Sum {
  readonly value: string;
  readonly currency: string;
}

export interface Authorization {
  readonly id: string;
  readonly status: string;
  readonly declineCode: string | null;
  readonly isOthersToTry: boolean;
  readonly amount: Sum | undefined;
  readonly actionUrl: string | undefined;
  readonly merchantReference: string | undefined;
  readonly idempotencyKey: string | undefined;
}

export interface Operation {
  readonly id: string;
  readonly type: string | undefined;
  readonly status: string;
  readonly declineCode: string | null;
  readonly amount: Sum | undefined;
  readonly idempotencyKey: string | undefined;
  readonly authorization: Authorization | undefined;
}

export type Fields = Readonly<Record<string, unknown>>;

const TEXT_MAX = 255;
/** What no name, code or address has in it, and PostgreSQL cannot keep: an answer with it would be read for ever, and never written down. */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/u;

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > TEXT_MAX) return undefined;
  return UNSTORABLE.test(value) ? undefined : value;
}

export function sumOf(value: unknown): Sum | undefined {
  const { value: digits, currency } = fieldsOf(value) ?? {};
  if (typeof digits !== 'string' || !/^(0|[1-9][0-9]{0,18})$/.test(digits)) return undefined;
  return typeof currency === 'string' && /^[A-Z0-9]{3,12}$/.test(currency) ? { value: digits, currency } : undefined;
}

/** RFC 3339 with its zone: what says less is another instant in every process that reads it. */
const INSTANT_PATTERN = /^[12]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** Null for what the acquirer does not say, or not so that it can be read. */
export function instantOf(value: unknown): string | null {
  const at = typeof value === 'string' && INSTANT_PATTERN.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

export function authorizationOf(value: unknown): Authorization | undefined {
  const fields = fieldsOf(value);
  const id = textOf(fields?.['id']);
  const status = textOf(fields?.['status']);
  if (!fields || !id || !status) return undefined;
  return {
    id,
    status,
    declineCode: textOf(fields['decline_code']) ?? null,
    isOthersToTry: fields['can_retry_elsewhere'] === true,
    amount: sumOf(fields['amount']),
    actionUrl: addressOf(fieldsOf(fields['action'])?.['url']),
    merchantReference: textOf(fields['merchant_reference']),
    idempotencyKey: textOf(fields['idempotency_key']),
  };
}

export function operationOf(value: unknown): Operation | undefined {
  const fields = fieldsOf(value);
  const id = textOf(fields?.['id']);
  const status = textOf(fields?.['status']);
  if (!fields || !id || !status) return undefined;
  return {
    id,
    status,
    type: textOf(fields['type']),
    declineCode: textOf(fields['decline_code']) ?? null,
    amount: sumOf(fields['amount']),
    idempotencyKey: textOf(fields['idempotency_key']),
    authorization: authorizationOf(fields['authorization']),
  };
}

const ADDRESS_MAX = 2_000;

/** Where a customer is sent: never to a script, and never longer than our events carry. */
function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > ADDRESS_MAX || !URL.canParse(value)) return undefined;
  return /^https?:\/\//.test(value) && !UNSTORABLE.test(value) ? value : undefined;
}

/** What of an answer is kept: what the acquirer's own description names, and nothing that came beside it. */
const KEPT = new Set([
  'id',
  'object',
  'type',
  'status',
  'code',
  'decline_code',
  'can_retry_elsewhere',
  'amount',
  'value',
  'currency',
  'authorized',
  'captured',
  'refunded',
  'voided',
  'merchant_reference',
  'idempotency_key',
  'authorization',
  'expires_at',
  'reason',
]);
const DEPTH_MAX = 4;

/** The acquirer's words to be kept as evidence. What is not known by name, or is long enough to hide something, is left out. */
export function keptOf(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length <= TEXT_MAX ? value : undefined;
  if (Array.isArray(value)) return depth < DEPTH_MAX ? value.slice(0, 10).map((each) => keptOf(each, depth + 1)) : null;
  const fields = fieldsOf(value);
  if (!fields) return value;
  if (depth >= DEPTH_MAX) return null;
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => KEPT.has(name))
      .map(([name, each]) => [name, keptOf(each, depth + 1)]),
  );
}
