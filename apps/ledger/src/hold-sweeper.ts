import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { Repeat, type AnyOutgoing, type Messaging } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { takeExpired } from './database/expiry.repository.js';
import { takeExpiredOfTest } from './database/test-expiry.repository.js';

const log = logger('hold-sweeper');

/** A hold ends within 5 s of its time (I10). */
const INTERVAL_MS = 1_000;
/** An end that was asked for takes milliseconds; past this the asking was lost or the ledger stands still. */
const ASK_AGAIN_MS = 5_000;
const TAKEN_MAX = 500;

/** Finds holds whose time is over and asks the ledger's own command topic to end them. Never ends one itself. */
@Injectable()
export class HoldSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Repeat(
    INTERVAL_MS,
    () => this.sweep(),
    (error) => log.warn({ err: error }, 'the sweeper could not look; it will again'),
  );

  constructor(
    private readonly database: Database,
    private readonly messaging: Messaging,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  private async sweep(): Promise<void> {
    while ((await this.askForSome()) >= TAKEN_MAX);
  }

  private async askForSome(): Promise<number> {
    const { staged, taken } = await this.database.transaction(async (tx) => {
      const expired = [
        ...(await takeExpired(tx, ASK_AGAIN_MS, TAKEN_MAX)),
        ...(await takeExpiredOfTest(tx, ASK_AGAIN_MS, TAKEN_MAX)),
      ];
      const commands = expired.map(({ id, tenant, livemode, debitAccount, creditAccount }): AnyOutgoing => ({
        type: 'payflow.hold.void.v1',
        subject: id,
        data: { id, debit_account: debitAccount, credit_account: creditAccount, expired: true },
        origin: { tenant, livemode, actor: 'ledger/hold-sweeper' },
      }));
      const staged = await this.messaging.outbox.stage(tx, commands, () => undefined);
      return { staged, taken: expired.length };
    });
    staged.publish();
    return taken;
  }
}
