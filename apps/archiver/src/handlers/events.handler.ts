import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, type Handled } from '@payflow/messaging';
import { archiveEvents, tallyArchived } from '../database/archive.repository.js';

/** Stores every event of its topics, once each. */
@Controller()
export class EventsHandler {
  @Consumes('archiver.payments')
  async payments(@Payload() events: readonly AnyMessage[], @Ctx() tx: Transaction): Promise<Handled> {
    return archive(tx, events);
  }

  @Consumes('archiver.ledger')
  async ledger(@Payload() events: readonly AnyMessage[], @Ctx() tx: Transaction): Promise<Handled> {
    return archive(tx, events);
  }
}

async function archive(tx: Transaction, events: readonly AnyMessage[]): Promise<Handled> {
  const stored = await archiveEvents(tx, events);
  tallyArchived(
    tx,
    events.filter(({ id }) => stored.has(id)),
  );
  return { messages: [], repeated: events.map(({ id }) => id).filter((id) => !stored.has(id)) };
}
