import { addressOf, fieldsOf, textOf } from '../reading.js';

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
  /** What was asked for at first; not what came of it. */
  readonly amount: Sum | undefined;
  /** What is set aside, was taken and was given back by now, in all. */
  readonly authorized: Sum | undefined;
  readonly captured: Sum | undefined;
  readonly refunded: Sum | undefined;
  readonly isVoided: boolean;
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

const TEXT_MAX = 255;
export function sumOf(value: unknown): Sum | undefined {
  const { value: digits, currency } = fieldsOf(value) ?? {};
  if (typeof digits !== 'string' || !/^(0|[1-9][0-9]{0,18})$/.test(digits)) return undefined;
  return typeof currency === 'string' && /^[A-Z0-9]{3,12}$/.test(currency) ? { value: digits, currency } : undefined;
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
    authorized: sumOf(fields['authorized']),
    captured: sumOf(fields['captured']),
    refunded: sumOf(fields['refunded']),
    isVoided: fields['voided'] === true,
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
