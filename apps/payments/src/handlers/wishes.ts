import {
  OPERATION_KINDS,
  uuidOf,
  type AnyMessage,
  type Message,
  type OperationKind,
  type Refusable,
} from '@payflow/contracts';
import type { Wish } from '../domain/machine.js';

const KIND_OF = {
  'payflow.payment.confirm.v1': 'confirmation',
  'payflow.payment.increment.v1': 'increment',
  'payflow.payment.capture.v1': 'capture',
  'payflow.payment.cancel.v1': 'cancellation',
  'payflow.payment.refund.v1': 'refund',
} as const satisfies Record<string, OperationKind>;
export type WishType = keyof typeof KIND_OF;

export type WishCommand = AnyMessage<WishType>;
/** As far as it can be read. */
export type DamagedWish = Refusable<WishType>;

export function isWish<C extends { readonly type: string }>(command: C): command is C & { readonly type: WishType } {
  return Object.hasOwn(KIND_OF, command.type);
}

/** UUID of the operation that the command asks for. */
export function operationIdOf({ type, data }: DamagedWish): string {
  return uuidOf(OPERATION_KINDS[KIND_OF[type]], data.operation);
}

/** What the command asks for. */
export function wishOf(command: WishCommand): Wish {
  const { type, data } = command;
  const isAboutMoney = 'amount' in data && data.amount !== null;
  return {
    ...bareWish(command),
    amount: isAboutMoney ? BigInt(data.amount) : null,
    final: isFinal(command),
    reason: type === 'payflow.payment.cancel.v1' || type === 'payflow.payment.refund.v1' ? data.reason : null,
    metadata: 'metadata' in data ? data.metadata : {},
    ifVersion: data.if_version,
  };
}

/** The same of a command of which only as much can be read as its refusal repeats. */
export function bareWish(command: DamagedWish): Wish {
  return {
    kind: KIND_OF[command.type],
    id: operationIdOf(command),
    amount: null,
    final: true,
    reason: null,
    metadata: {},
    createdAt: command.data.created_at,
  };
}

function isFinal({ type, data }: WishCommand): boolean {
  if (type === 'payflow.payment.capture.v1') return (data as Message<typeof type>['data']).final;
  return type !== 'payflow.payment.confirm.v1' || (data as Message<typeof type>['data']).capture === null;
}
