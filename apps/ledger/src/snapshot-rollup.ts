import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { Repeat } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { addSnapshots } from './database/snapshot.repository.js';

const log = logger('snapshot-rollup');

const INTERVAL_MS = 60_000;
/** What a read of the past adds up itself at most, and half of it mostly: each row lies on a page of its own. */
export const TRANSFERS_PER_SNAPSHOT = 100;

/** Keeps reads of the past short: once a minute, snapshots of the accounts that have moved a lot. Never on a posting's way. */
@Injectable()
export class SnapshotRollup implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Repeat(
    INTERVAL_MS,
    () => this.rollUp(),
    (error) => log.warn({ err: error }, 'snapshots of balances could not be added; they will be'),
  );
  private closed = false;

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    this.closed = true;
    return this.rounds.stop();
  }

  /** Adds what is due, until nothing is. */
  async rollUp(): Promise<void> {
    while (!this.closed && (await addSnapshots(this.database, TRANSFERS_PER_SNAPSHOT)));
  }
}
