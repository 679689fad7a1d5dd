import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, type Handled } from '@payflow/messaging';
import { Outcomes } from '../acceptance/outcomes.js';
import { GatewayCaches } from '../cache/gateway-caches.js';
import { applyCounters, lockAccounts } from '../database/account-view.repository.js';
import { saveReplies, takeAnswered } from '../database/reply.repository.js';
import { applyChanges, applyOpenings, type ChangeEvent, type OpeningEvent } from './account-events.js';
import { applyAssets, unitOf, type AssetEvent } from './asset-events.js';
import { commandKeyOf, type Answered, type Replies } from './answered.js';
import { advance } from './bulk-progress.js';
import { applyClockEvents, type ClockEvent } from './clock-events.js';
import { tagsOfLedger, tagsOfOwners } from './changed-tags.js';
import { applyGroups, countersOfGroup, type GroupEvent } from './group-events.js';
import { answerPeriods, type PeriodEvent } from './period-events.js';
import { applyTypeEvents, type TypeEvent } from './transaction-type-events.js';
import { applyHoldEvents, countersOfHold, type HoldEvent } from './hold-events.js';
import { applyTransferEvents, type TransferEvent } from './transfer-events.js';

type LedgerEvent = AnyMessage<
  | OpeningEvent['type']
  | ChangeEvent['type']
  | AssetEvent['type']
  | GroupEvent['type']
  | HoldEvent['type']
  | PeriodEvent['type']
  | TypeEvent['type']
  | TransferEvent['type']
  | LedgerClockEvent['type']
>;

type LedgerClockEvent = ClockEvent<'payflow.ledger_clock.moved.v1'>;

/**
 * Brings the ledger's word into the views of accounts, transfers and holds, and renders the replies of those who asked. A
 * payment's own event brings the balances of both its accounts, so its transfer's is not read here as well.
 */
@Controller()
export class LedgerEventsHandler {
  constructor(
    private readonly outcomes: Outcomes,
    private readonly caches: GatewayCaches,
  ) {}

  @Consumes('gateway.accounts')
  async handle(@Payload() events: readonly LedgerEvent[], @Ctx() tx: Transaction): Promise<Handled> {
    const { openings, changes, assets, groups, holds, periods, types, transfers, clocks } = sorted(events);
    await applyClockEvents(tx, clocks);
    const asked = [...changes, ...assets, ...groups, ...holds, ...periods, ...types, ...transfers];
    const answered = await endWaits(tx, asked);
    const counters = [...groups.flatMap(countersOfGroup), ...holds.flatMap(countersOfHold)];
    const stale = [...tagsOfLedger({ openings, changes, transfers }, counters), ...tagsOfOwners(events)];
    this.caches.all.change(stale);
    if (counters.length > 0 && openings.length + changes.length > 0)
      await lockAccounts(tx, [
        ...[...openings, ...changes].map(({ tenant, livemode, data: { id } }) => ({ tenant, livemode, id })),
        ...counters.map(({ tenant, livemode, counters: { id } }) => ({ tenant, livemode, id })),
      ]);
    const replies: Replies = [
      ...(await applyOpenings(tx, openings)),
      ...(await applyChanges(tx, changes, answered)),
      ...(await applyAssets(tx, assets, answered)),
      ...(await applyGroups(tx, groups, answered)),
      ...(await applyHoldEvents(tx, holds, answered)),
      ...answerPeriods(periods, answered),
      ...(await applyTypeEvents(tx, types, answered)),
      ...(await applyTransferEvents(tx, transfers, answered)),
    ];
    await applyCounters(tx, counters);
    const ended = await advance(tx, answered, groups);
    // A write of a bulk is answered by the bulk alone.
    const own = replies.filter(([write]) => write.bulk === null);
    saveReplies(tx, own);
    return {
      messages: [],
      afterCommit: () => {
        for (const unit of assets.flatMap(unitOf)) this.caches.assets.put({ ...unit, id: unit.code }, unit);
        this.outcomes.deliver([...own, ...ended], this.caches.all.changed(stale));
      },
    };
  }
}

interface Sorted {
  readonly openings: OpeningEvent[];
  readonly changes: ChangeEvent[];
  readonly assets: AssetEvent[];
  readonly groups: GroupEvent[];
  readonly holds: HoldEvent[];
  readonly periods: PeriodEvent[];
  readonly types: TypeEvent[];
  readonly transfers: TransferEvent[];
  readonly clocks: LedgerClockEvent[];
}

function sorted(events: readonly LedgerEvent[]): Sorted {
  const all: Sorted = {
    openings: [],
    changes: [],
    assets: [],
    groups: [],
    holds: [],
    periods: [],
    types: [],
    transfers: [],
    clocks: [],
  };
  for (const event of events) {
    switch (event.type) {
      case 'payflow.account.opened.v1':
      case 'payflow.account.rejected.v1':
        all.openings.push(event);
        break;
      case 'payflow.account.updated.v1':
      case 'payflow.account.update_rejected.v1':
        all.changes.push(event);
        break;
      case 'payflow.asset.defined.v1':
      case 'payflow.asset.rejected.v1':
        all.assets.push(event);
        break;
      case 'payflow.group.posted.v1':
      case 'payflow.group.rejected.v1':
        all.groups.push(event);
        break;
      case 'payflow.hold.placed.v1':
      case 'payflow.hold.posted.v1':
      case 'payflow.hold.voided.v1':
      case 'payflow.hold.rejected.v1':
        all.holds.push(event);
        break;
      case 'payflow.period.closing.v1':
      case 'payflow.period.closed.v1':
      case 'payflow.period.rejected.v1':
        all.periods.push(event);
        break;
      case 'payflow.transaction_type.defined.v1':
      case 'payflow.transaction_type.rejected.v1':
        all.types.push(event);
        break;
      case 'payflow.transfer.updated.v1':
      case 'payflow.transfer.update_rejected.v1':
        all.transfers.push(event);
        break;
      case 'payflow.ledger_clock.moved.v1':
        all.clocks.push(event);
        break;
      default:
        event satisfies never;
    }
  }
  return all;
}

/** Who waits for these answers. What nobody of ours asked for is applied all the same, and answers nobody. */
async function endWaits(tx: Transaction, events: readonly LedgerEvent[]): Promise<Answered> {
  return events.length > 0 ? takeAnswered(tx, events.map(commandKeyOf)) : new Map();
}
