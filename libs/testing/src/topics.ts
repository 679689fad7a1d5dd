import { randomBytes } from 'node:crypto';
import { kafkajsBroker, topicsToCreate, type BrokerOptions } from '@payflow/messaging';

/** A short name no other spec file uses, fit for databases, topics and groups. */
export function uniqueSuffix(): string {
  return randomBytes(5).toString('hex');
}

/** Makes the topology's topics, or those of them that are named, under the broker's prefix. */
export async function createTestTopics(broker: BrokerOptions, only?: readonly string[]): Promise<void> {
  const admin = await kafkajsBroker(broker).admin();
  try {
    const topics = topicsToCreate('single', await admin.brokers());
    await admin.createTopics(topics.filter(({ name }) => only?.includes(name) ?? true));
  } finally {
    await admin.close();
  }
}
