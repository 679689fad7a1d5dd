import { SUBSCRIPTIONS, type Group } from '@payflow/contracts';
import { logger } from '@payflow/telemetry';
import type { BrokerAdmin } from '../broker/port.js';
import { pausedPartitions } from './metrics.js';

const log = logger('runner');

/** Which of a group's partitions have no leader. Such a one brings neither batches nor errors: it is looked for, and told. */
export class Leaders {
  private without: readonly number[] = [];

  constructor(
    private readonly group: Group,
    private readonly admin: () => Promise<BrokerAdmin>,
  ) {}

  async look(assigned: readonly number[]): Promise<void> {
    const { group } = this;
    const { topic } = SUBSCRIPTIONS[group];
    const leaderless = await (await this.admin()).leaderless(topic);
    const own = assigned.filter((partition) => leaderless.includes(partition));
    const before = this.without;
    this.without = own;
    pausedPartitions.set({ group, reason: 'no_leader' }, own.length);
    for (const partition of own.filter((each) => !before.includes(each)))
      log.error(
        { group, topic, partition },
        'ALARM: a partition has no leader: what is in it waits, the others are read',
      );
    for (const partition of before.filter((each) => !leaderless.includes(each)))
      log.info({ group, topic, partition }, 'the partition has a leader again');
  }
}
