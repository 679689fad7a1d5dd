import type { Provider, Type } from '@nestjs/common';
import { webhookReadersOf, type ConnectorWebhooksConfiguration } from '@payflow/connectors';
import type { Database } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { DATABASE } from '@payflow/service';
import { DisputesController } from '../http/payments/disputes.controller.js';
import { ProviderWebhooksController } from '../http/payments/provider-webhooks.controller.js';
import { WebhookReaders } from './readers.js';
import { WebhookReception } from './reception.js';

export const webhookControllers: Type[] = [ProviderWebhooksController, DisputesController];

/** What it takes to hear providers. */
export function webhookProviders(config: ConnectorWebhooksConfiguration): Provider[] {
  return [
    { provide: WebhookReaders, useFactory: () => new WebhookReaders(webhookReadersOf(config)) },
    {
      provide: WebhookReception,
      inject: [DATABASE, Messaging],
      useFactory: (db: Database, messaging: Messaging) => new WebhookReception(db, messaging),
    },
  ];
}
