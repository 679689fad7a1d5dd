import type { PaymentMethod, RefusableData } from '@payflow/contracts';

/** What limits and rules look at. */
export interface PaymentFacts {
  readonly payment: string;
  readonly tenant: string;
  readonly livemode: boolean;
  /** Minor units. */
  readonly amount: bigint;
  readonly asset: string;
  readonly method: PaymentMethod;
  readonly customer: string | null;
  readonly source: string;
  readonly destination: string;
  /** When it was accepted, milliseconds since the epoch: its day, month and hour, however late it is taken in. */
  readonly at_ms: number;
  /** Of what is added to a payment that is there: the sum it was made with, less all that it takes before this. */
  readonly base?: bigint;
}

interface Asked {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly data: RefusableData['payflow.payment.create.v1'];
}

export function factsOf({ tenant, livemode, data }: Asked): PaymentFacts {
  const { id: payment, amount, asset, method, customer = null, source, destination, created_at } = data;
  const named = { payment, tenant, livemode, asset, method, customer, source, destination };
  return { ...named, amount: BigInt(amount), at_ms: Date.parse(created_at) };
}
