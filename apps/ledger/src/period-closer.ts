import { hash } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { newId, type PeriodClosed, type PeriodTotal } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Repeat, type AnyOutgoing, type Messaging } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { closingTotals, findSettled, savePeriod, seeMarks, type SettledPeriod } from './database/period.repository.js';
import type { Owner } from './domain/book.js';

const log = logger('period-closer');

const INTERVAL_MS = 1_000;

/**
 * Closes months that are marked as closing. A posting reads the mark after its locks, so one that began before the mark was
 * committed may have missed it: the figures are added up when the last of those has ended, and nobody waited for a lock.
 */
@Injectable()
export class PeriodCloser implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Repeat(
    INTERVAL_MS,
    () => this.closeAll(),
    (error) => log.warn({ err: error }, 'no month could be closed; they will be'),
  );

  constructor(
    private readonly database: Database,
    private readonly messaging: Messaging,
    /** Where the figures are added up: not on the connections that postings need. */
    private readonly reads: Database,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** Closes every month that nothing can be added to any more. One that cannot be closed keeps nobody else's waiting. */
  async closeAll(): Promise<void> {
    await seeMarks(this.database);
    let failed = 0;
    for (let period = await findSettled(this.database, 0); period; period = await findSettled(this.database, failed)) {
      await this.close(period).catch((error: unknown) => {
        failed += 1;
        log.warn({ err: error, ...period?.owner, month: period?.month }, 'a month could not be closed; it will be');
      });
    }
  }

  /** No transaction is open while the figures are added up. They are final: whoever else adds them up comes to the same. */
  private async close(period: SettledPeriod): Promise<void> {
    const closed = closedPeriod(period, await closingTotals(this.reads, period), new Date());
    const staged = await this.database.transaction(async (tx) => {
      const eventId = newId('event');
      if (!(await savePeriod(tx, period.owner, closed, eventId))) return undefined;
      return this.messaging.outbox.stage(tx, [closedEvent(period.owner, closed, eventId)], () => undefined);
    });
    staged?.publish();
  }
}

function closedPeriod(period: SettledPeriod, totals: readonly PeriodTotal[], now: Date): PeriodClosed {
  const { month, endsAt, closingAt } = period;
  return {
    id: month,
    ends_at: endsAt.toISOString(),
    closing_at: closingAt.toISOString(),
    version: 2,
    closed_at: now.toISOString(),
    totals,
    hash: closingHash(period, totals),
  };
}

/** SHA-256 over the hash of the period before, whose it is, and the figures. */
export function closingHash(
  { owner: { tenant, livemode }, month, hashBefore }: Pick<SettledPeriod, 'owner' | 'month' | 'hashBefore'>,
  totals: readonly PeriodTotal[],
): string {
  const figures = totals.map(({ asset, kind, posted_debits, posted_credits }) => [
    asset,
    kind,
    posted_debits,
    posted_credits,
  ]);
  return hash('sha256', JSON.stringify([hashBefore, tenant, livemode, month, figures]), 'hex');
}

function closedEvent({ tenant, livemode }: Owner, closed: PeriodClosed, id: string): AnyOutgoing {
  const origin = { tenant, livemode, actor: 'ledger/period-closer' };
  const type = 'payflow.period.closed.v1';
  return { type, id, subject: closed.id, aggregateVersion: closed.version, data: closed, origin };
}
