import type { CrashPoint, Service } from '@payflow/contracts';

/** Where one service is to die, and at which passage: late enough to be in the middle of the load. */
export interface Death {
  readonly service: Service;
  readonly point: CrashPoint;
  readonly passage: number;
}

/** Services that die together, each at its own point. */
export type Round = readonly Death[];

/** What every process passes that reads and writes. The first commits of a process are its partitions and its claims. */
const EVERYWHERE: readonly (readonly [CrashPoint, number])[] = [
  ['record-received', 6],
  ['effect', 5],
  ['outbox-insert', 5],
  ['commit-sent', 20],
  ['commit-acknowledged', 20],
  ['batch-commit', 5],
  ['produce-sent', 5],
  ['produce-acknowledged', 5],
  ['outbox-mark', 3],
  ['offset-commit', 2],
  ['relay-claim', 1],
  ['shutdown-drain', 1],
];
const AT_THE_DOOR: readonly (readonly [CrashPoint, number])[] = [
  ['idempotency-insert', 5],
  ['payment-insert', 5],
  ['reply-written', 5],
  ['inbox-insert', 3],
];
/** Listeners write no messages, and read late and much at a time. */
const LISTENING: readonly (readonly [CrashPoint, number])[] = [
  ['record-received', 4],
  ['effect', 2],
  ['commit-sent', 8],
  ['commit-acknowledged', 8],
  ['batch-commit', 2],
  ['offset-commit', 1],
  ['shutdown-drain', 1],
];

const of = (service: Service, points: readonly (readonly [CrashPoint, number])[]): Death[] =>
  points.map(([point, passage]) => ({ service, point, passage }));

/** Every point of every service on the money's way, one at a time; beside it a listener, which no answer depends on. */
export function everyPoint(): Round[] {
  const money = [
    ...of('gateway', [...AT_THE_DOOR, ...EVERYWHERE]),
    ...of('payments', EVERYWHERE),
    ...of('ledger', EVERYWHERE),
  ];
  const listeners = [...of('archiver', LISTENING), ...of('monitoring', [...LISTENING, ['inbox-insert', 2]])];
  return money.map((death, at) => [death, ...listeners.slice(at, at + 1)]);
}

/** All five die at once. */
export function shortRounds(): Round[] {
  return [
    [
      { service: 'gateway', point: 'produce-sent', passage: 5 },
      { service: 'payments', point: 'commit-sent', passage: 20 },
      { service: 'ledger', point: 'batch-commit', passage: 5 },
      { service: 'archiver', point: 'effect', passage: 2 },
      { service: 'monitoring', point: 'inbox-insert', passage: 2 },
    ],
  ];
}
