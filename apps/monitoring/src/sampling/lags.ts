import { PARTITIONS, SUBSCRIPTIONS, type Group, type Service } from '@payflow/contracts';
import { lagOf } from './lag.js';
import { partitionKey, readerKey, type Picture } from './picture.js';

/** One reader's lag in one partition; nulls where it cannot be known. */
export interface ReaderLag {
  readonly group: Group;
  readonly service: Service;
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: number | null;
  readonly high_watermark: number | null;
  readonly lag_messages: number | null;
  readonly lag_seconds: number | null;
  /** True when the oldest unread record is older than what monitoring has seen. */
  readonly lag_seconds_is_minimum: boolean;
  /** Why the reader stands still by itself. */
  readonly stopped_reason: string | null;
  /** Age of the older of the two figures the lag is made of. */
  readonly age_seconds: number | null;
}

const MS_PER_S = 1_000;

/** The lag of every reader of the topology in every partition. */
export function readerLags(picture: Picture, profile: keyof typeof PARTITIONS, now_ms: number): ReaderLag[] {
  return (Object.keys(SUBSCRIPTIONS) as Group[]).flatMap((group) =>
    Array.from({ length: PARTITIONS[profile] }, (_, partition) => readerLag(picture, group, partition, now_ms)),
  );
}

function readerLag(picture: Picture, group: Group, partition: number, now_ms: number): ReaderLag {
  const { topic, service } = SUBSCRIPTIONS[group];
  const history = picture.ends.get(partitionKey(topic, partition)) ?? [];
  const place = picture.positions.get(readerKey(group, partition));
  const nextOffset =
    place?.position.next_offset ??
    (picture.positionsKnown.has(service) ? (picture.beginnings.get(partitionKey(topic, partition)) ?? null) : null);
  const last = history.at(-1);
  const known = nextOffset !== null && last !== undefined;
  const lag = known ? lagOf(history, nextOffset, now_ms) : undefined;
  const oldest_ms = known ? Math.min(last.at_ms, place?.at_ms ?? last.at_ms) : undefined;
  return {
    group,
    service,
    topic,
    partition,
    next_offset: nextOffset,
    high_watermark: last?.high ?? null,
    lag_messages: lag?.messages ?? null,
    lag_seconds: lag ? tenths(lag.seconds) : null,
    lag_seconds_is_minimum: lag?.atLeast ?? false,
    stopped_reason: place?.position.stopped_reason ?? null,
    age_seconds: oldest_ms === undefined ? null : tenths((now_ms - oldest_ms) / MS_PER_S),
  };
}

export function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
