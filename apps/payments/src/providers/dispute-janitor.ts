import { connectorNamed, type Connector, type ProviderDispute } from '@payflow/connectors';
import { crashAt, newId } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Repeat, type AnyOutgoing, type Outbox } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { giveBackUndecided, takeUndecided, type UndecidedDispute } from '../database/undecided.repository.js';
import { merchantReferenceOf } from './attempt.js';
import { sending } from './sending.js';

const log = logger('disputes');

const INTERVAL_MS = 60_000;
/** As the last of the pauses with which a provider is asked how an attempt ended: what it decides takes weeks. */
const WAIT_MS = 21_600_000;
/** Asked one after the other: payments of the same provider go before, and a minute is long. */
const TAKEN_MAX = 20;
const ASKED_WITHIN_MS = 30_000;

/** Who tells of what was asked, where a provider’s own webhook would tell of it as `connector/…`. */
export const DISPUTE_JANITOR = 'payments/dispute-janitor';

/**
 * Asks providers how their disputes stand: a webhook that was lost for good would leave a dispute open for ever, and the money of
 * one that is won with the cardholder's bank. What they say is told as a webhook would have told it.
 */
export class DisputeJanitor {
  private readonly rounds: Repeat;
  private readonly closing = new AbortController();
  private readonly askable: readonly Connector[];

  constructor(
    private readonly db: Database,
    private readonly outbox: Outbox,
    connectors: readonly Connector[],
    private readonly wait_ms = WAIT_MS,
  ) {
    this.askable = connectors.filter(({ dispute }) => dispute !== undefined);
    this.rounds = new Repeat(
      INTERVAL_MS,
      () => this.look(),
      (error) => log.warn({ err: error }, 'providers could not be asked about their disputes; they will be'),
    );
  }

  onApplicationBootstrap(): void {
    if (this.askable.length > 0) this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    this.closing.abort();
    return this.rounds.stop();
  }

  /** One round. No transaction is open while a provider is asked; whoever dies meanwhile has another ask at the next time. */
  async look(): Promise<void> {
    const names = this.askable.map(({ name }) => name);
    const taken = await takeUndecided(this.db, names, this.wait_ms, TAKEN_MAX);
    const { told, unasked } = await this.askEach(taken);
    await giveBackUndecided(this.db, unasked, this.wait_ms);
    if (told.length === 0) return;
    const staged = await this.db.transaction((tx) => this.outbox.stage(tx, told, () => undefined));
    staged.publish();
    crashAt('provider-after-commit');
  }

  /**
   * One that does not answer is asked no more in this round: its payments would suffer by what it does not tell of disputes. The
   * others are asked in the next: it may be this one alone that it cannot tell of.
   */
  private async askEach(
    disputes: readonly UndecidedDispute[],
  ): Promise<{ readonly told: readonly AnyOutgoing[]; readonly unasked: readonly UndecidedDispute[] }> {
    const told: AnyOutgoing[] = [];
    const unasked: UndecidedDispute[] = [];
    const silent = new Set<string>();
    for (const dispute of disputes) {
      if (silent.has(dispute.connector)) {
        unasked.push(dispute);
        continue;
      }
      const news = await this.ask(dispute);
      if (news) told.push(...news);
      else silent.add(dispute.connector);
    }
    return { told, unasked };
  }

  /** Undefined where nothing was answered. */
  private async ask(dispute: UndecidedDispute): Promise<AnyOutgoing[] | undefined> {
    const { id: payment_id, connector, reference } = dispute;
    const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(ASKED_WITHIN_MS)]);
    try {
      const found = await sending(async () =>
        connectorNamed(this.askable, connector)?.dispute?.(reference, { signal }),
      );
      if (!found) return [];
      if (found.merchantReference === merchantReferenceOf(dispute, payment_id)) return noticeOf(dispute, found);
      log.error({ payment_id, connector, reference }, 'ALARM: a dispute is of another payment at its provider');
      return [];
    } catch (error) {
      log.warn({ err: error, payment_id, connector, reference }, 'a provider did not say how a dispute stands');
      return undefined;
    }
  }
}

/** What is news of it. */
function noticeOf(dispute: UndecidedDispute, { status, evidenceDueBy, amount, asset }: ProviderDispute): AnyOutgoing[] {
  const isDueTold = evidenceDueBy !== null && dispute.evidenceDueBy === null;
  if (status === 'opened' && !isDueTold) return [];
  const { tenant, livemode, id, connector, reference } = dispute;
  return [
    {
      type: 'payflow.payment.notice.v1',
      subject: id,
      data: {
        ...{ id, connector, notice: `inquiry/${newId('event')}`, kind: `dispute_${status}`, attempt: null },
        ...{ provider_reference: reference, code: null, amount, occurred_at: new Date().toISOString() },
        ...(asset === null ? {} : { asset }),
        ...(evidenceDueBy === null ? {} : { evidence_due_by: evidenceDueBy }),
      },
      origin: { tenant, livemode, actor: DISPUTE_JANITOR },
    },
  ];
}
