import type { TestClock } from '@payflow/contracts';
import type { Database, Transaction } from '@payflow/database';
import type { AnyOutgoing, Messaging, Staged } from '@payflow/messaging';
import { unavailable } from '@payflow/service';
import { currentTraceparent } from '@payflow/telemetry';
import { TAGS } from '../cache/catalogue.js';
import type { GatewayCaches } from '../cache/gateway-caches.js';
import { seenBy } from '../database/keys.js';
import {
  findTestSpace,
  lockTestSpace,
  readTestClock,
  renewTestSpace,
  setTestClock,
  type TestClockView,
} from '../database/test-space.repository.js';
import type { Caller } from '../http/edge/caller.js';
import type { Travel } from './clock.request.js';

/** What a change in test mode has put on its way; told when it has committed. */
export interface Journey {
  staged: Staged | undefined;
}

/** Moves the clock of a test space, and leaves spaces behind. Payments and the ledger hear of each move over their topics. */
export class TestMode {
  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
    private readonly caches: GatewayCaches,
  ) {}

  clock({ tenant }: Caller): Promise<TestClockView> {
    return readTestClock(seenBy(this.db, { tenant }), tenant);
  }

  /** Before a key of the caller's space is looked up: one of a space that was left has an answer that is not true any more. */
  async refuseLeftSpace({ organisation, tenant }: Caller): Promise<void> {
    const now = await findTestSpace(this.db, organisation);
    if (now && now.space !== tenant) throw unavailable();
  }

  async travel(
    tx: Transaction,
    caller: Caller,
    travel: Travel,
    journey: Journey,
  ): Promise<{ readonly before: TestClockView; readonly after: TestClockView }> {
    const space = await lockTestSpace(tx, caller.organisation);
    // Reset, and not heard of here: the key was taken in the old space, where who comes again would not find it.
    if (space !== caller.tenant) throw unavailable();
    const before = await readTestClock(tx, space);
    const clock = { id: space, ahead_ms: travel(before), version: before.version + 1 };
    await this.#set(tx, clock, caller, journey);
    return { before, after: { ...clock, now: before.now, heard: { payments: false, ledger: false } } };
  }

  /**
   * From now on the organisation's test data stands in a space with nothing in it, where it is as late as it is. Returns what the
   * clock of the space before it showed.
   */
  async reset(tx: Transaction, caller: Caller, journey: Journey): Promise<TestClockView> {
    const space = await lockTestSpace(tx, caller.organisation);
    const before = await readTestClock(tx, space);
    const { ahead_ms, version } = before;
    // Nobody goes on asking for ends that nobody will see.
    if (ahead_ms > 0) await this.#set(tx, { id: space, ahead_ms: 0, version: version + 1 }, caller, journey);
    await renewTestSpace(tx, caller.organisation, space);
    return before;
  }

  /** Runs what changes where or when a caller's test data stands: nobody here is answered from a cache for it meanwhile. */
  async changing(caller: Caller, work: (journey: Journey) => Promise<void>): Promise<void> {
    const tags = this.tagsOf(caller);
    const journey: Journey = { staged: undefined };
    this.caches.all.change(tags);
    try {
      await work(journey);
    } finally {
      await this.caches.all.changed(tags);
    }
  }

  /**
   * What the caches keep of where the caller's test data stands. All processes look it up after COMMIT, and before the answer: who
   * has it may ask any of them.
   */
  tagsOf({ organisation }: Caller): readonly string[] {
    return [TAGS.testSpace(organisation)];
  }

  async #set(tx: Transaction, clock: TestClock, caller: Caller, journey: Journey): Promise<void> {
    await setTestClock(tx, clock);
    const traceparent = currentTraceparent();
    const origin = {
      ...{ tenant: clock.id, livemode: false, actor: caller.actor },
      ...(traceparent ? { traceparent } : {}),
    };
    const told = (['payflow.payments_clock.set.v1', 'payflow.ledger_clock.set.v1'] as const).map(
      (type): AnyOutgoing => ({ type, subject: clock.id, data: clock, origin }),
    );
    journey.staged = await this.messaging.outbox.stage(tx, told, () => traceparent);
  }
}
