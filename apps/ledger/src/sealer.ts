import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { LEDGER_SUBJECT, fromUuid, newId, type ChainEnd, type LedgerSealed } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Repeat, type AnyOutgoing, type Messaging } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { GENESIS } from './database/chain.js';
import { beginSeal, insertSeal, keepKey, linksSince, newestSeal } from './database/seal.repository.js';
import { appended, logRoot, rootOf } from './proof/merkle.js';
import { signedHead } from './proof/sealed-head.js';
import type { SigningKey } from './proof/signing-key.js';

const log = logger('sealer');

/** So old is what whoever keeps the published heads cannot prove yet, at most; I15 waits ten times as long. */
export const SEAL_INTERVAL_MS = 60_000;
/** What was booked before a restart waits for no other minute, and is sealed although the process never lives that long. */
const FIRST_MS = 1_000;
/** Another process that seals is done in a moment: who is refused round after round meets one that is not. */
const REFUSALS_TOLD = 5;
/** A seal speaks for the whole ledger: its event belongs to no tenant. */
const NO_TENANT = fromUuid('tenant', '00000000-0000-0000-0000-000000000000');

/** Once a minute sums up what has been booked since, signs the head of the log, and publishes it: out of the database's reach. */
@Injectable()
export class Sealer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Repeat(
    SEAL_INTERVAL_MS,
    () => this.sealAll(),
    (error) => log.warn({ err: error }, 'no seal this time; the next one takes it in'),
  );

  /** Rounds in a row in which another held the lock, and nothing was sealed since the one before. */
  private refusals = 0;
  private sealedAtRefusal = -1;

  constructor(
    private readonly database: Database,
    private readonly messaging: Messaging,
    private readonly key: SigningKey,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start(FIRST_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** After a long pause there is more than one seal holds. */
  private async sealAll(): Promise<void> {
    while (await this.seal());
  }

  /** Seals what is new, up to what one seal holds. Resolves with the head, or undefined where nothing is new or another process is at it. */
  async seal(): Promise<LedgerSealed | undefined> {
    await keepKey(this.database, this.key);
    const sealed = await this.database.transaction(async (tx) => {
      const last = await beginSeal(tx);
      if (!last) return this.refused(await newestSeal(tx));
      this.refusals = 0;
      const { links, toXact } = await linksSince(tx, last.toXact);
      if (links.length === 0) return undefined;
      const chains = endsAfter(last.chains, links);
      const root = rootOf(links.map(({ hash }) => hash));
      const frontier = appended(last.frontier, root);
      const head = signedHead(
        {
          seal: last.seal + 1,
          sealed_at: new Date().toISOString(),
          transfers: links.length,
          root,
          log_root: logRoot(frontier),
          chains,
        },
        this.key,
      );
      const eventId = newId('event');
      await insertSeal(tx, { head, fromXact: last.toXact, toXact, frontier, eventId });
      return { head, staged: await this.messaging.outbox.stage(tx, [sealedEvent(head, eventId)], () => undefined) };
    });
    sealed?.staged.publish();
    return sealed?.head;
  }

  /** Whoever has long to seal holds the lock again and again, and gets on: only one that does not is told of. */
  private refused(newest: number): undefined {
    this.refusals = newest === this.sealedAtRefusal ? this.refusals + 1 : 1;
    this.sealedAtRefusal = newest;
    if (this.refusals === REFUSALS_TOLD)
      log.error({ rounds: this.refusals }, 'ALARM: the lock of the seal is held elsewhere; nothing is sealed here');
  }
}

function sealedEvent(head: LedgerSealed, id: string): AnyOutgoing {
  const origin = { tenant: NO_TENANT, livemode: true, actor: 'ledger/sealer' };
  const type = 'payflow.ledger.sealed.v1';
  return { type, id, subject: LEDGER_SUBJECT, aggregateVersion: head.seal, data: head, origin };
}

/** Where the chains end now. Throws where a link does not follow on the last: what is broken must not be signed. */
function endsAfter(before: readonly ChainEnd[], links: readonly ChainEnd[]): ChainEnd[] {
  const ends = new Map(before.map((end) => [end.chain, end]));
  for (const link of links) {
    const expected = (ends.get(link.chain)?.position ?? Number(GENESIS.position)) + 1;
    if (link.position !== expected) {
      log.fatal({ chain: link.chain, expected, found: link.position }, 'ALARM: a chain has a gap; it is not sealed');
      throw new Error(`chain ${link.chain} has no link ${expected}`);
    }
    ends.set(link.chain, { chain: link.chain, position: link.position, hash: link.hash });
  }
  return [...ends.values()].sort((a, b) => a.chain - b.chain);
}
