import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { Repeat, type AnyOutgoing, type Messaging } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { takeOverdue } from './database/payment.repository.js';

const log = logger('sweeper');

const INTERVAL_MS = 2_000;
/** A verdict takes milliseconds; past this something was lost or stands still. Below the gateway's alarm at 30 s. */
const WAIT_MS = 10_000;
const TAKEN_MAX = 500;

/** Finds payments that wait too long for the ledger and asks their own command topic to ask again. Never moves a payment itself. */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnApplicationShutdown {
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
    const staged = await this.database.transaction(async (tx) => {
      const overdue = await takeOverdue(tx, WAIT_MS, TAKEN_MAX);
      if (overdue.length > 0)
        log.warn({ payments: overdue.length }, 'payments have waited for the ledger; asking again');
      const commands = overdue.map(({ id, tenant, livemode }): AnyOutgoing => ({
        type: 'payflow.payment.sweep.v1',
        subject: id,
        data: { id },
        origin: { tenant, livemode, actor: 'payments/sweeper' },
      }));
      return this.messaging.outbox.stage(tx, commands, () => undefined);
    });
    staged.publish();
  }
}
