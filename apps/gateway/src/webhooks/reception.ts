import { newId } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import type { Messaging, Staged } from '@payflow/messaging';
import { currentTraceparent } from '@payflow/telemetry';
import { noteWebhook, type Noted } from '../database/provider-webhook.repository.js';
import type { OwnedNotice } from './notice.js';

/** Makes a provider's notice durable, with the message that tells the payments service of it: both or neither, and once. */
export class WebhookReception {
  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
  ) {}

  async take({ tenant, livemode, data }: OwnedNotice): Promise<Noted> {
    const eventId = newId('event');
    const { noted, staged } = await this.db.transaction(async (tx): Promise<{ noted: Noted; staged?: Staged }> => {
      const payment = { tenant, livemode, id: data.id };
      const noted = await noteWebhook(tx, { connector: data.connector, webhook: data.notice, payment, eventId });
      if (noted !== 'new') return { noted };
      const traceparent = currentTraceparent();
      const origin = {
        ...{ tenant, livemode, actor: `connector/${data.connector}` },
        ...(traceparent ? { traceparent } : {}),
      };
      const message = { type: 'payflow.payment.notice.v1', subject: data.id, id: eventId, data, origin } as const;
      const staged = this.messaging.outbox.stageAtCommit(tx, {
        outgoing: [message],
        finished: [],
        parentOf: () => traceparent,
      });
      return { noted, staged };
    });
    staged?.publish();
    return noted;
  }
}
