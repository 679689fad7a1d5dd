import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { METRICS } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Repeat, type AnyOutgoing, type Messaging } from '@payflow/messaging';
import { gauge, logger, OncePerInterval } from '@payflow/telemetry';
import { countRefused, disputesInVain, takeUnsettled, type NamedDispute } from './database/dispute.repository.js';

const log = logger('dispute-sweeper');

const INTERVAL_MS = 2_000;
/** As long as a payment's own transfer; what was refused is asked for again after twice as long each time. */
const WAIT_MS = 10_000;
const TAKEN_MAX = 200;
const REPORT_INTERVAL_MS = 60_000;
/** What a payment's end did not give back stays so until somebody looks: an older process may have ended it during an upgrade. */
const IN_VAIN_INTERVAL_MS = 3_600_000;
/** Where the database had no time for it: it is read whole, and the rounds do not wait for that. */
const IN_VAIN_PAUSE_MS = 60_000;

const refused = gauge(
  METRICS.disputesRefused,
  'Disputes whose money the ledger refused to move: the provider has taken it and the books have not.',
);
const refusedSeconds = gauge(METRICS.disputesRefusedSeconds, 'How long the oldest of them has waited.');

/** Finds disputes whose money is not where it should be, and asks their own command topic to ask the ledger again. Alarms. */
@Injectable()
export class DisputeSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Repeat(
    INTERVAL_MS,
    () => this.sweep(),
    (error) => log.warn({ err: error }, 'the sweeper of disputes could not look; it will again'),
  );
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  private inVainFrom_ms = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly messaging: Messaging,
    private readonly wait_ms = WAIT_MS,
    private readonly now: () => number = () => performance.now(),
    private readonly taken_max = TAKEN_MAX,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** One round. */
  async sweep(): Promise<void> {
    const inVain = await this.inVain();
    const staged = await this.database.transaction(async (tx) => {
      const unsettled = await takeUnsettled(tx, this.wait_ms, this.taken_max);
      const commands = [...unsettled, ...inVain].map(({ id, dispute, tenant, livemode }): AnyOutgoing => ({
        type: 'payflow.dispute.sweep.v1',
        subject: id,
        data: { id, dispute },
        origin: { tenant, livemode, actor: 'payments/dispute-sweeper' },
      }));
      return this.messaging.outbox.stage(tx, commands, () => undefined);
    });
    staged.publish();
    const isAll = inVain.length < this.taken_max;
    if (isAll && this.now() >= this.inVainFrom_ms) this.inVainFrom_ms = this.now() + IN_VAIN_INTERVAL_MS;
    await this.report();
  }

  /**
   * Beside the rounds: it is looked for once an hour, and at the start; where there are more than are taken at once, in the next round as
   * well. That it fails is no reason to leave undone what the round is for.
   */
  private async inVain(): Promise<readonly NamedDispute[]> {
    if (this.now() < this.inVainFrom_ms) return [];
    try {
      return await disputesInVain(this.database, this.wait_ms, this.taken_max);
    } catch (error) {
      log.warn(
        { err: error },
        'what was taken of payments that ended without it could not be looked for; it will be again',
      );
      this.inVainFrom_ms = this.now() + IN_VAIN_PAUSE_MS;
      return [];
    }
  }

  private async report(): Promise<void> {
    const { disputes, seconds } = await countRefused(this.database);
    refused.set(disputes);
    refusedSeconds.set(seconds);
    if (disputes > 0)
      this.seldom.run(() =>
        log.error(
          { disputes, oldest_seconds: Math.round(seconds) },
          'ALARM: the ledger refuses to move disputed money',
        ),
      );
  }
}
