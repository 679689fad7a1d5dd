import { MESSAGES, SUBSCRIPTIONS, TOPICS, type Group, type SubscriptionSpec } from '@payflow/contracts';
import type { DayTally, SetAsideTally, TallyReport } from './report.js';

/** A reader that has not met exactly what was sent on one day: positive numbers are missing, negative ones too many. */
export interface TallyMismatch {
  readonly group: Group;
  readonly topic: string;
  readonly day: string;
  readonly missing_messages: number;
  readonly missing_id_sum: number;
}

interface Sum {
  messages: number;
  idSum: number;
}

const MODULUS = 2 ** 48;

/**
 * I21: what was sent against what each reader applied or set aside, per topic and day. A reader of all of a topic's types is
 * held against the senders' outboxes, a reader of some against what the archiver stored, or set aside, of those types. In a running system
 * the difference is also what is on its way: it is a fault only where it stays.
 */
export function compareTallies(reports: readonly TallyReport[]): TallyMismatch[] {
  return (Object.keys(SUBSCRIPTIONS) as Group[]).flatMap((group) => compareGroup(group, reports));
}

/** The readers whose sums a group's comparison is made of: its own, and where it is held against the archive, the archiver's of its topic. */
export function readersCompared(group: Group): Group[] {
  const spec: SubscriptionSpec = SUBSCRIPTIONS[group];
  if (readsWholeTopic(spec)) return [group];
  const archivers = (Object.keys(SUBSCRIPTIONS) as Group[]).filter((other) => {
    const { service, topic } = SUBSCRIPTIONS[other];
    return service === 'archiver' && topic === spec.topic;
  });
  return [group, ...archivers];
}

const TAIL_DIGITS = 12;

/** A mismatch in words. The sum of ids names the one message that is missing, or too many: the last twelve digits of its UUID. */
export function tellMismatch({ group, day, missing_messages, missing_id_sum }: TallyMismatch): string {
  const missing = `${group} ${day}: ${missing_messages} missing`;
  if (Math.abs(missing_messages) !== 1) return missing;
  const tail = missing_messages === 1 ? missing_id_sum : (MODULUS - missing_id_sum) % MODULUS;
  return `${missing}, a message whose UUID ends in ${tail.toString(16).padStart(TAIL_DIGITS, '0')}`;
}

function compareGroup(group: Group, reports: readonly TallyReport[]): TallyMismatch[] {
  const spec: SubscriptionSpec = SUBSCRIPTIONS[group];
  const expected = sumByDay(readsWholeTopic(spec) ? sentTo(spec.topic, reports) : archivedOf(spec, reports));
  const setAside = reports.flatMap(({ set_aside }) => set_aside).filter((tally) => tally.group === group);
  const applied = reports.flatMap(({ received }) => received).filter((tally) => tally.group === group);
  const known = [...applied, ...setAside.filter(({ kind }) => kind !== 'undecodable')];
  const sure = sumByDay(known);
  const all = sumByDay([...applied, ...setAside]);
  return [...new Set([...expected.keys(), ...all.keys()])].sort().flatMap((day) => {
    const sent = expected.get(day) ?? ZERO;
    // What cannot be decoded may be a sent record that was damaged, or one that nobody sent: both readings are fair.
    if (equal(sent, sure.get(day)) || equal(sent, all.get(day))) return [];
    const received = sure.get(day) ?? ZERO;
    const missing_id_sum = (((sent.idSum - received.idSum) % MODULUS) + MODULUS) % MODULUS;
    return [{ group, topic: spec.topic, day, missing_messages: sent.messages - received.messages, missing_id_sum }];
  });
}

const ZERO: Sum = { messages: 0, idSum: 0 };

/** The reader of commands meets them all: one of a type that it does not know would stop it. Nobody else keeps them. */
function readsWholeTopic(spec: SubscriptionSpec): boolean {
  if (TOPICS[spec.topic].kind === 'commands') return true;
  return Object.entries(MESSAGES).every(([type, { topic }]) => topic !== spec.topic || spec.types.includes(type));
}

function sentTo(topic: string, reports: readonly TallyReport[]): DayTally[] {
  return reports.flatMap(({ sent }) => sent).filter((tally) => tally.topic === topic);
}

function archivedOf(spec: SubscriptionSpec, reports: readonly TallyReport[]): DayTally[] {
  const setAside = reports.flatMap(({ set_aside }) => set_aside).filter(isArchivers);
  return [...reports.flatMap(({ archived }) => archived), ...setAside].filter(
    ({ topic, type }) => topic === spec.topic && type !== null && spec.types.includes(type),
  );
}

/** What cannot be decoded is no other reader's either. */
function isArchivers({ group, kind }: SetAsideTally): boolean {
  return kind === 'dead_lettered' && SUBSCRIPTIONS[group as Group].service === 'archiver';
}

function sumByDay(tallies: readonly DayTally[]): Map<string, Sum> {
  const days = new Map<string, Sum>();
  for (const { day, messages, id_sum } of tallies) {
    const sum = days.get(day) ?? { messages: 0, idSum: 0 };
    days.set(day, { messages: sum.messages + messages, idSum: (sum.idSum + id_sum) % MODULUS });
  }
  return days;
}

function equal(a: Sum, b: Sum = ZERO): boolean {
  return a.messages === b.messages && a.idSum === b.idSum;
}
