import { toUuid, type PaymentNotice } from '@payflow/contracts';
import type { Notice } from '@payflow/connectors';
import { readerErrors } from '@payflow/messaging';
import { parseAmount } from '@payflow/money';
import type { Owner } from '../database/keys.js';

/** A provider's word on a payment, as it goes to the payments service. */
export interface OwnedNotice extends Owner {
  readonly data: PaymentNotice;
}

/** `<tenant>/<live|test>/<payment>`, and nothing before, between or after. */
const MERCHANT_REFERENCE = /^(org_[0-9a-z]{26})\/(live|test)\/(pay_[0-9a-z]{26})$/;

/** Whose payment a merchant reference names, or undefined where it is not one that we have made. */
export function paymentOf(merchantReference: unknown): (Owner & { readonly payment: string }) | undefined {
  const [, tenant = '', mode, payment = ''] =
    (typeof merchantReference === 'string' && MERCHANT_REFERENCE.exec(merchantReference)) || [];
  if (!toUuid('tenant', tenant) || !toUuid('payment', payment)) return undefined;
  return { tenant, livemode: mode === 'live', payment };
}

/**
 * What a provider's notice says of a payment of ours. `not_ours`: of one that we cannot have made, or of an attempt that we
 * have not; `malformed`: signed by the provider, and still not what a notice can be.
 */
export function ownedNotice(connector: string, notice: Notice): OwnedNotice | 'not_ours' | 'malformed' {
  const owner = paymentOf(notice.merchantReference);
  if (!owner) return 'not_ours';
  const { idempotencyKey: attempt } = notice;
  const isOfAttempt = notice.kind === 'attempt_approved' || notice.kind === 'attempt_declined';
  if (isOfAttempt && toUuid('attempt', attempt) === undefined) return 'not_ours';
  const data: PaymentNotice = {
    id: owner.payment,
    connector,
    notice: notice.id,
    kind: notice.kind,
    attempt: isOfAttempt ? attempt : null,
    provider_reference: notice.reference,
    code: notice.code,
    amount: notice.amount,
    ...(typeof notice.asset === 'string' ? { asset: notice.asset } : {}),
    occurred_at: notice.occurredAt,
    ...(typeof notice.evidenceDueBy === 'string' ? { evidence_due_by: notice.evidenceDueBy } : {}),
  };
  const isDispute = !isOfAttempt;
  if ((isDispute && data.provider_reference === null) || !isStorable(data)) return 'malformed';
  return { tenant: owner.tenant, livemode: owner.livemode, data };
}

/** The schemas let through what no text column takes, and sums and times that no such column does: they would stop the payment's reader. */
function isStorable(data: PaymentNotice): boolean {
  const texts = [data.notice, data.provider_reference ?? ''];
  return (
    readerErrors('payflow.payment.notice.v1', data) === undefined &&
    (data.amount === null || parseAmount(data.amount) !== undefined) &&
    (data.evidence_due_by === undefined || isInstant(data.evidence_due_by)) &&
    texts.every((text) => text.isWellFormed() && !text.includes('\0'))
  );
}

/** There is such a day, of a year that a timestamp can be in. */
function isInstant(text: string): boolean {
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString() === text && !text.startsWith('0000');
}
