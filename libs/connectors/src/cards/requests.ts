import type { ProviderAction, ProviderRequest } from '../connector.js';
import type { HttpRequest } from '../outbound/http-line.js';

/** What follows the authorization's id, by action. */
const ON_AUTHORIZATION = {
  increment: 'increments',
  capture: 'captures',
  void: 'void',
  refund: 'refunds',
} as const satisfies Partial<Record<ProviderAction, string>>;

/** The acquirer's request for a wish of ours; undefined where the wish lacks what the acquirer needs. */
export function requestOf(wish: ProviderRequest, apiKey: string): HttpRequest | undefined {
  const { action, reference, idempotencyKey } = wish;
  const body = bodyOf(wish);
  const path = pathOf(action, reference);
  if (body === undefined || path === undefined) return undefined;
  return {
    method: 'POST',
    path,
    headers: { ...headers(apiKey), 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(body),
  };
}

/** Asks what the acquirer has done under a key. */
export function inquiryOf({ idempotencyKey }: ProviderRequest, apiKey: string): HttpRequest {
  return {
    method: 'GET',
    path: `/v1/operations?idempotency_key=${encodeURIComponent(idempotencyKey)}`,
    headers: headers(apiKey),
  };
}

function headers(apiKey: string): Record<string, string> {
  return { authorization: `Bearer ${apiKey}`, accept: 'application/json' };
}

function pathOf(action: ProviderAction, reference: string | null): string | undefined {
  if (action === 'authorize' || action === 'sale') return '/v1/authorizations';
  if (reference === null) return undefined;
  const id = encodeURIComponent(reference);
  if (action === 'submit_evidence') return `/v1/disputes/${id}/evidence`;
  return `/v1/authorizations/${id}/${ON_AUTHORIZATION[action]}`;
}

function bodyOf(wish: ProviderRequest): object | undefined {
  const { action, asset, card, evidence, final = false } = wish;
  const amount = wish.amount === null ? undefined : { value: wish.amount, currency: asset };
  switch (action) {
    case 'authorize':
    case 'sale':
      if (!amount || !card) return undefined;
      return { merchant_reference: wish.merchantReference, amount, token: card.token, capture: action === 'sale' };
    case 'capture':
      return amount && { amount, final };
    case 'increment':
    case 'refund':
      return amount && { amount };
    case 'void':
      return {};
    case 'submit_evidence':
      return evidence;
    default:
      return action satisfies never;
  }
}
