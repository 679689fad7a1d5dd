import type { Wake } from '@payflow/cache';
import type { Database, Transaction } from '@payflow/database';
import type { AnyOutgoing, Messaging } from '@payflow/messaging';
import { logger, OncePerInterval } from '@payflow/telemetry';
import { liftBlocks, placeBlocks } from '../database/access-block.repository.js';
import { addKeyNetworks, type NetworkUse, type SeenNetwork } from '../database/api-key-network.repository.js';
import { BLOCKS_CHANGED, blockEvent } from './block-events.js';
import type { Blocks } from './blocks.js';
import type { Suspect } from './suspicions.js';

const log = logger('watch');

/** Of each kind; more are left alone until these are written. */
const WAITING_MAX = 1_000;
/** A key that is used from that many networks is a traveller's: one more says nothing. */
const NETWORKS_TOLD_MAX = 100;
/** Whoever was not woken looks by itself. */
const LOOK_INTERVAL_MS = 5_000;
const REPORT_INTERVAL_MS = 60_000;

/**
 * Writes down what was noticed, each with the message that tells of it, behind the requests: whom to block, and networks that
 * keys are used from for the first time. Tells the other processes; lifts what operators want lifted.
 */
export class Alarms {
  readonly #suspects = new Map<string, Suspect>();
  readonly #uses = new Map<string, NetworkUse>();
  readonly #seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  #lookAt = -Infinity;
  #turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: {
      readonly db: Database;
      readonly messaging: Messaging;
      readonly wake: Wake;
      readonly blocks: Blocks;
      readonly durations_ms: readonly number[];
    },
  ) {
    parts.wake.listen(BLOCKS_CHANGED, () => (this.#lookAt = -Infinity));
  }

  suspect(suspect: Suspect): void {
    if (this.#suspects.size < WAITING_MAX) this.#suspects.set(`${suspect.kind} ${suspect.subject}`, suspect);
  }

  /** A key is used from a network that this process did not know of. */
  noteNetwork(use: NetworkUse): void {
    if (this.#uses.size < WAITING_MAX) this.#uses.set(`${use.key} ${use.network}`, use);
  }

  /** One round. Never rejects: what could not be written is tried again in the next. */
  run(now: number): Promise<void> {
    // One at a time: of two that write down the same, the second would find the first's block over, and place a longer one.
    this.#turn = this.#turn.then(() => this.#run(now));
    return this.#turn;
  }

  async #run(now: number): Promise<void> {
    try {
      if (this.#uses.size > 0) await this.#writeNetworks();
      if (this.#suspects.size > 0) await this.#place();
      if (now - this.#lookAt >= LOOK_INTERVAL_MS) await this.#look(now);
    } catch (error) {
      this.#seldom.run((suppressed) => log.warn({ err: error, suppressed }, 'what was noticed waits to be written'));
    }
  }

  async #writeNetworks(): Promise<void> {
    const uses = [...this.#uses];
    await this.#tell(async (tx) => {
      const seen = await addKeyNetworks(
        tx,
        uses.map(([, use]) => use),
      );
      return seen.filter(({ seen: { networks_before } }) => networks_before <= NETWORKS_TOLD_MAX).map(networkEvent);
    });
    for (const [name] of uses) this.#uses.delete(name);
  }

  async #place(): Promise<void> {
    const suspects = [...this.#suspects];
    await this.#tell(async (tx) => {
      const placed = await placeBlocks(
        tx,
        suspects.map(([, suspect]) => suspect),
        this.parts.durations_ms,
      );
      return placed.map((change) => blockEvent('payflow.block.placed.v1', change));
    });
    for (const [name] of suspects) this.#suspects.delete(name);
    this.#tellOthers();
  }

  async #look(now: number): Promise<void> {
    this.#lookAt = now;
    if (!(await this.parts.blocks.load())) return;
    await this.#tell(async (tx) =>
      (await liftBlocks(tx)).map((change) => blockEvent('payflow.block.lifted.v1', change)),
    );
    this.#tellOthers();
  }

  /** This process among them: it looks in its next round. */
  #tellOthers(): void {
    this.parts.wake.wake([BLOCKS_CHANGED]);
  }

  async #tell(change: (tx: Transaction) => Promise<AnyOutgoing[]>): Promise<void> {
    const { db, messaging } = this.parts;
    const { outgoing, staged } = await db.transaction(async (tx) => {
      const outgoing = await change(tx);
      const staged = messaging.outbox.stageAtCommit(tx, { outgoing, finished: [], parentOf: () => undefined });
      return { outgoing, staged };
    });
    staged.publish();
    for (const { type, data } of outgoing) log.warn({ type, ...data }, 'ALARM: something suspicious, or the end of it');
  }
}

function networkEvent({ tenant, livemode, seen }: SeenNetwork): AnyOutgoing {
  const origin = { tenant, livemode, actor: seen.key };
  const aggregateVersion = seen.networks_before;
  return { type: 'payflow.api_key.new_network.v1', subject: seen.key, aggregateVersion, data: seen, origin };
}
