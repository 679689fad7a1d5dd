import type { Group, Service } from '@payflow/contracts';
import type { CheckResult, ReaderPosition } from '@payflow/invariants';
import type { HealthReport } from '@payflow/service';
import type { HighWatermark } from './lag.js';

/** Something that was looked at, and when: nothing is shown without its age. */
export interface Look<T> {
  readonly value: T;
  readonly at_ms: number;
}

export type Readiness = HealthReport['status'] | 'down';

/** Whether a service does its work, if not with all that it should have. */
export function isServing(status: Readiness | undefined): boolean {
  return status === 'ready' || status === 'degraded';
}

/** What one service last said of itself. */
export interface ServicePicture {
  /** The last attempt, whether it was answered or not. */
  readiness: Look<{ readonly status: Readiness; readonly reasons: readonly string[] }> | undefined;
  /** Since when it has answered at every look: so long it could have told the figures. Undefined while it is down. */
  answeringSince_ms: number | undefined;
  invariants: Look<readonly CheckResult[]> | undefined;
  outboxAge_s: Look<number> | undefined;
  /** Partitions that lie ahead of the present one, by table. */
  partitionsAhead: Look<ReadonlyMap<string, number>> | undefined;
  /** What does not go on by itself, by group: those that have any. Of a service that has told it of all its groups. */
  setAside: Look<readonly SetAside[]> | undefined;
  /** Messages read so far, by group. */
  read: Look<ReadonlyMap<string, number>> | undefined;
  /** Messages per second by group, between the last two looks. */
  rates: ReadonlyMap<string, number>;
}

/** What one reader could not apply. It comes back by nothing but an operator's word, or what it waits for. */
export interface SetAside {
  readonly group: string;
  readonly parked: number;
  readonly deadLetters: number;
  /** Commands that have waited for their predecessor for too long. */
  readonly overdue: number;
}

export interface PositionLook {
  readonly position: ReaderPosition;
  readonly at_ms: number;
}

/** Everything the sampler knows, in memory. Times are milliseconds since the epoch. */
export class Picture {
  readonly services = new Map<Service, ServicePicture>();
  /** Ends of the partitions over the last half hour, by `topic/partition`. */
  readonly ends = new Map<string, HighWatermark[]>();
  /** Beginnings of the partitions, by `topic/partition`: where a reader without a position will start. */
  readonly beginnings = new Map<string, number>();
  /** Places of the readers, by `group/partition`. */
  readonly positions = new Map<string, PositionLook>();
  /** Services whose positions were read at least once: a reader without one has read nothing. */
  readonly positionsKnown = new Set<Service>();
  broker: Look<{ readonly reachable: boolean; readonly reason: string | null }> | undefined;
  /** The last complete comparison of what was sent with what was received. */
  compared_ms: number | undefined;

  service(name: Service): ServicePicture {
    let picture = this.services.get(name);
    if (!picture) {
      picture = {
        readiness: undefined,
        answeringSince_ms: undefined,
        invariants: undefined,
        outboxAge_s: undefined,
        partitionsAhead: undefined,
        setAside: undefined,
        read: undefined,
        rates: new Map(),
      };
      this.services.set(name, picture);
    }
    return picture;
  }
}

export const partitionKey = (topic: string, partition: number): string => `${topic}/${partition}`;
export const readerKey = (group: Group | string, partition: number): string => `${group}/${partition}`;
