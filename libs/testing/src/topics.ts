import { randomBytes } from 'node:crypto';
import { kafkajsBroker, topicsToCreate } from '@payflow/messaging';
import { testBroker } from './servers.js';

/** A short name no other spec file uses, fit for databases, topics and groups. */
export function uniqueSuffix(): string {
  return randomBytes(5).toString('hex');
}

/** Makes the topology's topics on the test broker; those that exist stay. */
export async function createTestTopics(): Promise<void> {
  const admin = await kafkajsBroker(testBroker('spec-topics')).admin();
  try {
    await admin.createTopics(topicsToCreate('single', 1));
  } finally {
    await admin.close();
  }
}
