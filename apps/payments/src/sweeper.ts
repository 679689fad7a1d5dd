import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { Repeat, type AnyOutgoing, type Messaging } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { takeInNeed, takeOver, takeUnheard } from './database/overdue.repository.js';
import { takeReviewsOver } from './limits/review.repository.js';
import { expiryOf } from './limits/reviews.js';
import { takeOverdue, type PaymentKey } from './database/payment.repository.js';
import { takeOverOfTest } from './database/test-expiry.repository.js';
import { takeUndivided } from './database/undivided.repository.js';

const log = logger('sweeper');

const INTERVAL_MS = 2_000;
/** A verdict takes milliseconds; past this something was lost or stands still. Below the gateway's alarm at 30 s. */
const WAIT_MS = 10_000;
/** An end takes as long as a provider takes to give money back, which may have to be asked for again. */
const EXPIRY_WAIT_MS = 20_000;
/** What the destination has spent or is frozen for may be there in a minute or in a week. */
const DIVISION_WAIT = { first_ms: 15_000, max_ms: 21_600_000 };
/** Whoever sees to it, an account that was frozen say, takes minutes; each try is a step that stays. */
const NEED_WAIT_MS = 300_000;
const TAKEN_MAX = 500;
const ACTOR = 'payments/sweeper';

/**
 * Finds payments that wait too long for the ledger, and those whose time is over, and asks their own command topic to ask
 * again, or to end them. Never moves a payment itself.
 */
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

  /** One round; for specs, too. */
  async sweep(): Promise<void> {
    const staged = await this.database.transaction(async (tx) => {
      const waiting = [...(await takeOverdue(tx, WAIT_MS, TAKEN_MAX)), ...(await takeUnheard(tx, WAIT_MS, TAKEN_MAX))];
      const undivided = await takeUndivided(tx, DIVISION_WAIT, TAKEN_MAX);
      const inNeed = await takeInNeed(tx, NEED_WAIT_MS, TAKEN_MAX);
      const ahead = await takeOverOfTest(tx, EXPIRY_WAIT_MS, TAKEN_MAX);
      const over = [...(await takeOver(tx, EXPIRY_WAIT_MS, TAKEN_MAX)), ...ahead.payments];
      const unseen = [...(await takeReviewsOver(tx, EXPIRY_WAIT_MS, TAKEN_MAX)), ...ahead.reviews];
      if (waiting.length > 0)
        log.warn({ payments: waiting.length }, 'payments have waited for the ledger; asking again');
      const commands = [
        ...[...waiting, ...undivided, ...inNeed].map((payment) => command('payflow.payment.sweep.v1', payment)),
        ...over.map((payment) => command('payflow.payment.expire.v1', payment)),
        ...unseen.map((payment) => expiryOf(payment, ACTOR)),
      ];
      return this.messaging.outbox.stage(tx, commands, () => undefined);
    });
    staged.publish();
  }
}

function command(
  type: 'payflow.payment.sweep.v1' | 'payflow.payment.expire.v1',
  { id, tenant, livemode }: PaymentKey,
): AnyOutgoing {
  return { type, subject: id, data: { id }, origin: { tenant, livemode, actor: ACTOR } };
}
