import {
  derivedUuid,
  fromUuid,
  ownUuid,
  uuidOf,
  type BreakdownPart,
  type GroupPost,
  type Leg,
  type PaymentCreate,
} from '@payflow/contracts';
import { formatAmount, sharesOf } from '@payflow/money';

/** Who else gets a part of what is captured, and the transaction type that said so. */
export interface Division {
  readonly parts: readonly BreakdownPart[];
  readonly type: string | null;
}

/** What a payment's division needs of it. */
export interface Divided {
  readonly id: string;
  readonly source: string;
  readonly destination: string;
  readonly amount: string;
  readonly asset: string;
  readonly division: Division;
}

/** What one step moves to whom, minor units. */
export interface Shares {
  /** The destination's: what no part takes. */
  readonly rest: bigint;
  /** Of the parts, in their order; a part may have nothing of a small sum. */
  readonly parts: readonly bigint[];
}

export function divisionOf({ breakdown, type }: Pick<PaymentCreate, 'breakdown' | 'type'>): Division | null {
  return breakdown === undefined ? null : { parts: breakdown, type: type ?? null };
}

/** The same as the messages say it. */
export function toldOf(division: Division | null): Pick<PaymentCreate, 'breakdown' | 'type'> {
  if (division === null) return {};
  return { breakdown: division.parts, ...(division.type === null ? {} : { type: division.type }) };
}

/**
 * How a sum is divided that is captured when `before` has been: what all of it together comes to, less what was divided before.
 * So the parts of several captures sum to those of a single one, in whatever sums they come; and each sum is divided whole.
 */
export function divide({ amount, division: { parts } }: Divided, before: bigint, captured: bigint): Shares {
  const ofParts = parts.map((part) => BigInt(part.amount));
  const whole = [...ofParts, ofParts.reduce((left, part) => left - part, BigInt(amount))];
  const then = sharesOf(before + captured, whole);
  const shares = before === 0n ? then : minus(then, sharesOf(before, whole));
  return { rest: shares.at(-1) as bigint, parts: shares.slice(0, -1) };
}

/**
 * The group that books a divided payment which is captured at once: from its source to all who get something of it. A pure
 * function of the payment, so that the command can be sent again byte for byte: one of an older version, too, so its ids are as clients
 * could choose them. Where one has given an id away, nothing is booked, and the payment fails.
 */
export function groupOfPayment(payment: Divided & { readonly expiresAt: string }): GroupPost {
  const { id, source, destination, division, asset } = payment;
  const uuid = uuidOf('payment', id);
  const { rest, parts } = divide(payment, 0n, BigInt(payment.amount));
  const type = division.type === null ? {} : { type: division.type };
  const leg = (transfer: string, account: string, amount: bigint): Leg => ({
    ...{ id: fromUuid('transfer', transfer), debit_account: source, credit_account: account },
    ...{ amount: formatAmount(amount), asset, up_to: false, ...type },
  });
  const legs = [
    leg(uuid, destination, rest),
    ...division.parts.map(({ account }, nth) => leg(derivedUuid(uuid, nth), account, parts[nth] as bigint)),
  ];
  return groupOf(payment, uuid, legs, { valid_until: payment.expiresAt });
}

/**
 * The group that divides what a capture has brought to the destination; undefined where all of it stays there. Of money that is
 * there already there is no deadline.
 */
export function groupOfCapture(payment: Divided, captureUuid: string, shares: Shares): GroupPost | undefined {
  const { destination, division, asset } = payment;
  const legs = division.parts.map(({ account }, nth): Leg => ({
    ...{ id: fromUuid('transfer', ownUuid(captureUuid, nth)), debit_account: destination, credit_account: account },
    ...{ amount: formatAmount(shares.parts[nth] as bigint), asset, up_to: false },
  }));
  const group = groupOf(payment, captureUuid, legs, {});
  return group.legs.length > 0 ? group : undefined;
}

function groupOf(
  payment: Divided,
  uuid: string,
  legs: readonly Leg[],
  terms: Pick<GroupPost, 'valid_until'>,
): GroupPost {
  return {
    id: fromUuid('group', uuid),
    legs: legs.filter(
      ({ amount, debit_account, credit_account }) => amount !== '0' && debit_account !== credit_account,
    ),
    conditions: [],
    effective_at: null,
    metadata: {},
    payment: payment.id,
    ...terms,
  };
}

function minus(all: readonly bigint[], before: readonly bigint[]): bigint[] {
  return all.map((share, at) => share - (before[at] as bigint));
}
