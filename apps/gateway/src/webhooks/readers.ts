import type { WebhookReader } from '@payflow/connectors';

/** How the webhooks of each connector are read, by the connector's name: of those whose secret is configured. */
export class WebhookReaders extends Map<string, WebhookReader> {}
