import { randomBytes } from 'node:crypto';
import { kafkajsBroker, topicsToCreate, type BrokerOptions } from '@payflow/messaging';

/** A short name no other spec file uses, fit for databases, topics and groups. */
export function uniqueSuffix(): string {
  return randomBytes(5).toString('hex');
}

/** Makes the topology's topics, under the broker's prefix. */
export async function createTestTopics(broker: BrokerOptions): Promise<void> {
  const admin = await kafkajsBroker(broker).admin();
  try {
    await admin.createTopics(topicsToCreate('single', 1));
  } finally {
    await admin.close();
  }
}
