import type { ProviderDispute } from '../connector.js';
import type { HttpAnswer } from '../outbound/http-exchange.js';
import type { HttpRequest } from '../outbound/http-line.js';
import { fieldsOf, instantOf, parsed, textOf } from '../reading.js';
import { sumOf } from './wire.js';

/** Asks how a dispute stands. */
export function disputeRequest(reference: string, apiKey: string): HttpRequest {
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json' };
  return { method: 'GET', path: `/v1/disputes/${encodeURIComponent(reference)}`, headers };
}

/** How it stands. Throws where the answer does not tell it of this dispute: no money is moved by a guess. */
export function disputeOf(reference: string, { status: answered, body }: HttpAnswer): ProviderDispute {
  const fields = fieldsOf(parsed(body));
  const status = textOf(fields?.['status']);
  const merchantReference = textOf(fields?.['merchant_reference']);
  const sum = sumOf(fields?.['amount']);
  const isSumRead = sum !== undefined || (fields?.['amount'] ?? null) === null;
  const isOfIt = merchantReference !== undefined && textOf(fields?.['id']) === reference;
  const isRead = answered === 200 && isOfIt && isSumRead;
  if (!isRead || (status !== 'opened' && status !== 'won' && status !== 'lost'))
    throw new Error(`how a dispute stands cannot be read: the acquirer answered ${answered}`);
  return {
    ...{ status, merchantReference, evidenceDueBy: instantOf(fields?.['evidence_due_by']) },
    ...{ amount: sum?.value ?? null, asset: sum?.currency ?? null },
  };
}
