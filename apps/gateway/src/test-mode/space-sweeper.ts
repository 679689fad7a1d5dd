import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { Repeat } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { removeRetired } from '../database/retired-space.repository.js';

const log = logger('space-sweeper');

const INTERVAL_MS = 30_000;
/** Longer than keys and outbox rows are kept: until then what was acknowledged is compared with what there is. */
const SPACE_DAYS = 9;
/** A portion takes well under a second, and lets others in after it. */
const REMOVED_MAX = 2_000;

/** Removes from the views what stands in test spaces that were left behind. What is in the books stays there, as all that is. */
@Injectable()
export class SpaceSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Repeat(
    INTERVAL_MS,
    async () => void (await this.sweep()),
    (error) => log.warn({ err: error }, 'old test spaces could not be looked for; they will be again'),
  );

  constructor(
    private readonly db: Database,
    private readonly days = SPACE_DAYS,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** One portion. Returns how many rows it has removed. */
  async sweep(): Promise<number> {
    const removed = await removeRetired(this.db, this.days, REMOVED_MAX);
    if (removed > 0) log.info({ rows: removed }, 'removed what was left of old test spaces');
    return removed;
  }
}
