import { fromUuid, ownUuid, type HoldPlace, type HoldPost, type HoldVoid, type TransferPost } from '@payflow/contracts';
import {
  GIVES_BACK,
  TAKES,
  tell,
  withOperation,
  withStep,
  type Life,
  type Moment,
  type Operation,
  type Step,
  type StepCommand,
} from './life.js';

interface Command {
  readonly name: string;
  readonly type: StepCommand;
  readonly data: HoldPlace | HoldPost | HoldVoid | TransferPost;
  readonly hold: string | null;
  readonly transfer: string | null;
  readonly amount: bigint;
}

/** A hold, and how much of it is taken. */
export interface Taking {
  readonly hold: string;
  readonly amount: bigint;
}

/**
 * Holds and transfers are named after the operation and its step: one that is done again, because our database was set back, asks for
 * the same thing under the same id, and the ledger gives the verdict that it gave before. So nothing in a command may be different
 * the second time. Clients choose the ids of operations: with its organisation and mode in it, no two have the same name for theirs; and
 * none can give one to a hold or a transfer of their own before.
 */
function idOf(kind: 'hold' | 'transfer', { payment }: Life, operation: Operation, step: string): string {
  const { tenant, livemode } = payment;
  return fromUuid(kind, ownUuid(operation.id, `${tenant}/${livemode ? 'live' : 'test'}/${step}`));
}

/**
 * Sets money aside for an operation: the payer's, or, for a refund, the payee's. Payments owns the time: the hold has none. Until when
 * it is of use to place it is said for a payment's first, whose time came with its command; until when an authorization is good is of
 * the moment at which it was heard of, and whatever was asked for in time is given back by the expiry that follows on it.
 */
export function reserve(life: Life, operation: Operation, amount: bigint, moment: Moment): Life {
  const { payment } = life;
  const isBack = operation.kind === 'refund';
  const name = isBack ? GIVES_BACK : TAKES;
  const hold = idOf('hold', life, operation, name);
  const data: HoldPlace = {
    id: hold,
    payment: payment.id,
    debit_account: isBack ? payment.destination : payment.source,
    credit_account: isBack ? payment.source : payment.destination,
    amount: amount.toString(),
    asset: payment.asset,
    expires_at: null,
    valid_until: operation.kind === 'authorization' ? payment.expiresAt : null,
  };
  const command: Command = { name, type: 'payflow.hold.place.v1', data, hold, transfer: null, amount };
  return ask(withOperation(life, { ...operation, status: 'reserving' }), operation, command, moment);
}

/** Gives captured money back at once, where the ledger alone decides: a transfer with the refund's UUID cannot be booked twice. */
export function giveBack(life: Life, operation: Operation, transfer: string, moment: Moment): Life {
  const { payment } = life;
  const amount = operation.amount as bigint;
  const data: TransferPost = {
    id: transfer,
    payment: payment.id,
    debit_account: payment.destination,
    credit_account: payment.source,
    amount: amount.toString(),
    asset: payment.asset,
    valid_until: null,
  };
  const command: Command = { name: 'transfer', type: 'payflow.transfer.post.v1', data, hold: null, transfer, amount };
  return ask(withOperation(life, { ...operation, status: 'reserving' }), operation, command, moment);
}

/** Books held money: a posting for each hold that something is taken from. `final` gives back what is left in each. */
export function settle(
  life: Life,
  operation: Operation,
  takings: readonly Taking[],
  { final, isBack = false }: { readonly final: boolean; readonly isBack?: boolean },
  moment: Moment,
): Life {
  const accounts = accountsOfHold(life, isBack);
  return takings.reduce(
    (next, { hold, amount }, at) => {
      const name = `settle:${at + 1}`;
      const transfer = idOf('transfer', life, operation, name);
      const data: HoldPost = { id: transfer, hold, ...accounts, amount: amount.toString(), final };
      return ask(next, operation, { name, type: 'payflow.hold.post.v1', data, hold, transfer, amount }, moment);
    },
    withOperation(life, { ...operation, status: 'settling' }),
  );
}

/** Gives held money back to whom it was taken from. `status`: what the operation is waiting for by that. */
export function release(
  life: Life,
  operation: Operation,
  holds: readonly Pick<Step, 'hold' | 'left' | 'name'>[],
  status: 'settling' | 'releasing',
  moment: Moment,
): Life {
  return holds.reduce(
    (next, { hold, left, name: reserved }, at) => {
      const data: HoldVoid = { id: hold as string, ...accountsOfHold(life, reserved === GIVES_BACK), expired: false };
      const name = `release:${at + 1}`;
      const command = {
        name,
        type: 'payflow.hold.void.v1',
        data,
        hold,
        transfer: null,
        amount: left as bigint,
      } as const;
      return ask(next, operation, command, moment);
    },
    withOperation(life, { ...operation, status }),
  );
}

/**
 * What the ledger would not do is asked for once more, where somebody has seen to the reason: the same sum of the same hold, as
 * another step, for the one that was refused stays so. A transfer that was refused will never be posted, so it is another one.
 */
export function askAgain(life: Life, operation: Operation, moment: Moment): Life {
  const own = life.steps.filter((step) => step.operation === operation.id);
  const names = new Set(own.map(({ name }) => name));
  return own
    .filter(({ status, name }) => status === 'refused' && !names.has(nextName(name)))
    .reduce(
      (next, { name, type, command, hold, transfer: refused, amount }) => {
        const again = nextName(name);
        const transfer = refused && idOf('transfer', life, operation, again);
        const data = { ...(JSON.parse(command) as HoldPost | HoldVoid), ...(transfer && { id: transfer }) };
        return ask(next, operation, { name: again, type, data, hold, transfer, amount }, moment);
      },
      withOperation(life, { ...operation, needsAttention: false }),
    );
}

/** `settle:1`, `settle:1/2`, `settle:1/3` ... */
function nextName(name: string): string {
  const [first = '', time = '1'] = name.split('/');
  return `${first}/${BigInt(time) + 1n}`;
}

function accountsOfHold({ payment }: Life, isBack: boolean) {
  const [debit_account, credit_account] = isBack
    ? [payment.destination, payment.source]
    : [payment.source, payment.destination];
  return { debit_account, credit_account };
}

function ask(life: Life, operation: Operation, { data, ...command }: Command, moment: Moment): Life {
  const step: Step = {
    operation: operation.id,
    ...command,
    commandId: moment.newEventId(),
    command: JSON.stringify(data),
    status: 'asked',
    left: null,
    reason: null,
    verdictId: null,
    accounts: [],
  };
  return tell(withStep(life, step), { kind: 'step', step, again: false }, moment);
}
