import type { NoticeKind } from '@payflow/contracts';
import { logger } from '@payflow/telemetry';
import type { Notice, WebhookReader } from '../connector.js';
import { fieldsOf, instantOf, parsed, textOf, type Fields } from '../reading.js';
import { signedWebhook, signingKey } from '../webhooks.js';
import { declineOf } from './decline-codes.js';
import { sumOf } from './wire.js';

const log = logger('connectors');
const MS_PER_S = 1_000;

/** What the acquirer's types of webhooks tell; by status where the type alone does not say it. */
const KINDS: Readonly<Record<string, NoticeKind | 'by_status'>> = {
  'authorization.updated': 'by_status',
  'increment.completed': 'by_status',
  'capture.completed': 'by_status',
  'void.completed': 'by_status',
  'refund.completed': 'by_status',
  'dispute.opened': 'dispute_opened',
  'dispute.won': 'dispute_won',
  'dispute.lost': 'dispute_lost',
};
const STATUSES: Readonly<Record<string, NoticeKind>> = {
  authorized: 'attempt_approved',
  captured: 'attempt_approved',
  succeeded: 'attempt_approved',
  declined: 'attempt_declined',
};

/** Reads the acquirer's webhooks. The second secret is the one before, for as long as both are in use. */
export function cardsWebhooks(secrets: readonly string[]): WebhookReader {
  const keys = secrets.map(signingKey);
  return {
    read(headers, body, now) {
      const signed = signedWebhook(headers, body, keys, now);
      if (!signed) return undefined;
      const notice = noticeOf(signed.id, signed.timestamp_s, body);
      // It is theirs, so what cannot be read is a change of theirs that we missed; sending it again would not help.
      if (notice === undefined) log.warn({ webhook: signed.id }, 'a webhook of the acquirer cannot be read');
      return notice ?? null;
    },
  };
}

/** Undefined for what cannot be read, null for what concerns nobody here. */
function noticeOf(id: string, timestamp_s: number, body: Buffer): Notice | null | undefined {
  const message = fieldsOf(parsed(body));
  const data = fieldsOf(message?.['data']);
  const type = textOf(message?.['type']);
  if (!message || !data || !type) return undefined;
  const kind = kindOf(type, textOf(data['status']));
  if (kind === undefined) return null;
  const merchantReference =
    textOf(data['merchant_reference']) ?? textOf(fieldsOf(data['authorization'])?.['merchant_reference']);
  if (merchantReference === undefined) return undefined;
  const sum = sumOf(data['amount']);
  // Of no sum at all what was captured is meant; of one that cannot be read nobody knows.
  if (kind.startsWith('dispute_') && sum === undefined && (data['amount'] ?? null) !== null) return undefined;
  return {
    id,
    kind,
    merchantReference,
    idempotencyKey: textOf(data['idempotency_key']) ?? null,
    reference: textOf(data['id']) ?? null,
    code: codeOf(kind, data),
    amount: sum?.value ?? null,
    asset: sum?.currency ?? null,
    occurredAt: instantOf(message['timestamp']) ?? new Date(timestamp_s * MS_PER_S).toISOString(),
    ...(kind === 'dispute_opened' ? { evidenceDueBy: instantOf(data['evidence_due_by']) } : {}),
  };
}

function kindOf(type: string, status: string | undefined): NoticeKind | undefined {
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind !== 'by_status') return kind;
  return status !== undefined && Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined;
}

const CODE_PATTERN = /^[a-z][a-z0-9_]{1,63}$/;

function codeOf(kind: NoticeKind, data: Fields): string | null {
  if (kind === 'attempt_declined') return declineOf(textOf(data['decline_code']) ?? null);
  const reason = textOf(data['reason']);
  return kind === 'dispute_opened' && reason !== undefined && CODE_PATTERN.test(reason) ? reason : null;
}
