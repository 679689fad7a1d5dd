/** A payment by its key; ids are UUIDs. */
export interface PaymentKey {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
}

/** A payment and its state where it was asked for; null: it is not there. */
export interface PaymentState extends PaymentKey {
  readonly status: string | null;
}

/** Payments that the gateway acknowledged, in that order, and where the next page begins; null for a page of none. */
export interface AcknowledgedPage {
  readonly data: readonly PaymentState[];
  readonly next: string | null;
  readonly more: boolean;
}

/** What was acknowledged more recently may still be on its way from one to the other. */
export const SETTLED_S = 30;
/** Payments asked for at one time. */
export const PAYMENTS_MAX = 1_000;

/** I11 between gateway and payments: whether what the gateway shows of a settled payment and what payments says of it can both be true. */
export function statesAgree(shown: string | null, kept: string | null): boolean {
  if (shown === null || kept === null) return false;
  return shown === 'pending' ? kept === 'processing' : shown === kept;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The keys in the body of a question, or undefined when it is none. */
export function paymentKeysOf(body: unknown): readonly PaymentKey[] | undefined {
  const keys = (body as { payments?: unknown } | null)?.payments;
  return Array.isArray(keys) && keys.length <= PAYMENTS_MAX && keys.every(isKey) ? keys : undefined;
}

function isKey(value: unknown): value is PaymentKey {
  const { tenant, livemode, id } = (value ?? {}) as Partial<Record<keyof PaymentKey, unknown>>;
  return typeof livemode === 'boolean' && isUuid(tenant) && isUuid(id);
}

function isUuid(value: unknown): boolean {
  return typeof value === 'string' && UUID.test(value);
}

/** The columns of a set of keys, as SQL takes them: `unnest($1::uuid[], $2::boolean[], $3::uuid[])`. */
export function paymentKeyColumns(keys: readonly PaymentKey[]): [string[], boolean[], string[]] {
  return [keys.map(({ tenant }) => tenant), keys.map(({ livemode }) => livemode), keys.map(({ id }) => id)];
}
