import type { Consumer } from '../broker/port.js';
import { pausedPartitions } from './metrics.js';
import type { Place } from './positions.repository.js';

/** What a partition needs of the consumer; a no-op while there is none. */
export type PartitionControl = Pick<Consumer, 'pause' | 'resume' | 'seek'>;

/** A partition that stands still for a while: paused at the consumer and fetched again by timer, while others flow. */
export class Pause {
  private timer: NodeJS.Timeout | undefined;
  private reason: string | undefined;

  constructor(
    private readonly place: Place,
    private readonly consumer: PartitionControl,
  ) {}

  get active(): boolean {
    return this.timer !== undefined;
  }

  /** Stands still for so long; then delivery goes on, from `offset` where one is given. */
  begin(ms: number, reason: string, offset: number | undefined): void {
    const { partition, group } = this.place;
    this.end();
    this.consumer.pause(partition);
    if (offset !== undefined) this.consumer.seek(partition, offset);
    this.reason = reason;
    pausedPartitions.inc({ group, reason });
    this.timer = setTimeout(() => {
      this.end();
      this.consumer.resume(partition);
    }, ms);
  }

  /** Goes on at once if this is what the partition stands still for. */
  cutShort(reason: string): void {
    if (this.reason !== reason) return;
    this.end();
    this.consumer.resume(this.place.partition);
  }

  /** Forgets the pause without resuming: the group has joined anew, or the consumer stops. */
  end(): void {
    if (this.reason !== undefined) pausedPartitions.dec({ group: this.place.group, reason: this.reason });
    clearTimeout(this.timer);
    this.timer = undefined;
    this.reason = undefined;
  }
}
