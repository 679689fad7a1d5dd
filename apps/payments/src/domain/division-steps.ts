import { fromUuid, ownUuid, type AccountSnapshot, type GroupPost } from '@payflow/contracts';
import { done } from './course.js';
import { divide, groupOfCapture } from './division.js';
import { isOpen, operationOf, tell, withStep, type Life, type Moment, type Operation, type Step } from './life.js';
import type { StepVerdict } from './machine.js';

/**
 * How what an operation has captured is divided: when it is booked, one group moves the parts on from the destination. The ledger
 * may refuse it, because the destination was frozen or has spent the money in between. Then the capture stands all the same,
 * somebody is told, and the sweeper has it tried again, as another group: the one that was refused will never be posted.
 */
const DIVIDES = 'payflow.group.post.v1';

/** The operation's own steps are done: where it has captured for others too, that is divided before it ends. */
export function concluded(
  life: Life,
  operation: Operation,
  accounts: readonly AccountSnapshot[],
  moment: Moment,
): Life {
  const group = groupOf(life, operation);
  if (!group) return done(life, operation, accounts, moment);
  return asked(life, operation.id, { number: 1, group, accounts }, moment);
}

/** What the ledger said to a division. With the first word on it the operation ends, whatever that was. */
export function hearDivision(
  life: Life,
  step: Step,
  { eventId, refusal, accounts }: StepVerdict,
  moment: Moment,
): Life {
  if (step.status !== 'asked') return life;
  const status = refusal === null ? 'done' : 'refused';
  const heard: Step = { ...step, status, reason: refusal, verdictId: eventId, accounts: [] };
  const next = withStep(life, heard);
  const told = refusal === null ? next : tell(next, { kind: 'undivided', step: heard }, moment);
  const operation = operationOf(life, step.operation);
  return operation && isOpen(operation) ? done(told, operation, newest(step.accounts, accounts), moment) : told;
}

/** Divisions that were refused and not asked for since are asked for once more, with the same sums under other ids. */
export function divideAgain(life: Life, moment: Moment): Life {
  const divisions = life.steps.filter(({ type }) => type === DIVIDES);
  const latest = new Map<string, Step>();
  for (const step of divisions) {
    const other = latest.get(step.operation);
    if (!other || numberOf(other) < numberOf(step)) latest.set(step.operation, step);
  }
  return [...latest.values()]
    .filter(({ status }) => status === 'refused')
    .reduce((next, step) => {
      const number = numberOf(step) + 1;
      const group = renamed(JSON.parse(step.command) as GroupPost, ownUuid(step.operation, nameOf(number)));
      return asked(next, step.operation, { number, group, accounts: [] }, moment);
    }, life);
}

function groupOf({ payment }: Life, { id, kind, amount, failureCode }: Operation): GroupPost | undefined {
  const { division, captured } = payment;
  const takes = kind === 'capture' || (kind === 'authorization' && payment.capture === 'automatic');
  if (division === null || failureCode !== null || !takes) return undefined;
  const divided = { ...payment, division };
  return groupOfCapture(divided, ownUuid(id, nameOf(1)), divide(divided, captured, amount as bigint));
}

function renamed(group: GroupPost, uuid: string): GroupPost {
  const legs = group.legs.map((leg, nth) => ({ ...leg, id: fromUuid('transfer', ownUuid(uuid, nth)) }));
  return { ...group, id: fromUuid('group', uuid), legs };
}

interface Asked {
  readonly number: number;
  readonly group: GroupPost;
  /** As the capture left them: told with the division, which leaves some of them again. */
  readonly accounts: readonly AccountSnapshot[];
}

function asked(life: Life, operation: string, { number, group, accounts }: Asked, moment: Moment): Life {
  const step: Step = {
    operation,
    name: nameOf(number),
    commandId: moment.newEventId(),
    type: DIVIDES,
    command: JSON.stringify(group),
    status: 'asked',
    hold: null,
    transfer: null,
    amount: group.legs.reduce((sum, { amount }) => sum + BigInt(amount), 0n),
    left: null,
    reason: null,
    verdictId: null,
    accounts,
  };
  return tell(withStep(life, step), { kind: 'step', step, again: false }, moment);
}

const NAME = 'divide:';

function nameOf(number: number): string {
  return `${NAME}${number}`;
}

function numberOf({ name }: Step): number {
  return Number(name.slice(NAME.length));
}

/** One snapshot of each account, the later one. */
function newest(...all: readonly (readonly AccountSnapshot[])[]): AccountSnapshot[] {
  const accounts = new Map<string, AccountSnapshot>();
  for (const account of all.flat()) {
    const known = accounts.get(account.id);
    if (!known || known.version < account.version) accounts.set(account.id, account);
  }
  return [...accounts.values()];
}
