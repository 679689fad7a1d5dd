import { SUBSCRIPTIONS, deadLetterTopic } from '@payflow/contracts';
import { kafkajsBroker, topicsToCreate, type BrokerAdmin } from '@payflow/messaging';
import { testBroker, uniqueSuffix, until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConfigurationError } from './configuration/configuration.js';
import { refuseTopics, type Topics } from './refuse-topics.js';

const GROUP = 'archiver.ledger';
const { topic: READ } = SUBSCRIPTIONS[GROUP];
const broker = kafkajsBroker(testBroker(uniqueSuffix()));
let admin: BrokerAdmin;
beforeAll(async () => {
  admin = await broker.admin();
  await admin.createTopics(topicsToCreate('single', 1).filter(({ name }) => name !== deadLetterTopic(GROUP)));
});
afterAll(() => admin.close());

const topics = (more: Partial<Topics> = {}): Topics => ({
  admin: () => Promise.resolve(admin),
  profile: 'single',
  isDraining: () => false,
  onRefused: (error) => {
    throw error;
  },
  ...more,
});
const problemsOf = async (...args: Parameters<typeof refuseTopics>) => {
  const refused = await refuseTopics(...args).catch((error: unknown) => error);
  if (refused !== undefined) expect(refused).toBeInstanceOf(ConfigurationError);
  return (refused as ConfigurationError | undefined)?.problems ?? [];
};

it('lets a service be whose topics are as the topology says, whatever others lack', async () => {
  expect(await problemsOf('ledger', topics())).toEqual([]);
});

it('refuses a topic that is missing, and says what to do', async () => {
  const problems = await problemsOf('archiver', topics());
  expect(problems).toEqual([
    expect.stringMatching(`^topic ${deadLetterTopic(GROUP)} does not exist: set KAFKA_BROKERS`),
  ]);
  expect(problems[0]).toContain('payflow setup');
});

it('refuses topics with another partition count than the configuration says', async () => {
  const problems = await problemsOf('ledger', topics({ profile: 'cluster' }));
  expect(problems).toContainEqual(
    expect.stringMatching(`^topic ${READ} has 2 partitions, the topology says 12: set KAFKA_BROKERS`),
  );
  // Its commands and its events: what others publish and read is theirs to look at.
  expect(problems).toHaveLength(2);
});

it('takes a topic that comes a moment later for the broker’s beginning', async () => {
  const later = kafkajsBroker(testBroker(uniqueSuffix()));
  const other = await later.admin();
  const refused = problemsOf('ledger', topics({ admin: () => Promise.resolve(other) }));
  await other.createTopics(topicsToCreate('single', 1));
  expect(await refused).toEqual([]);
  await other.close();
});

it('does not wait for a broker that is away, and ends the service by what it says once it is back', async () => {
  let isAway = true;
  const refused: unknown[] = [];
  const away = () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(admin));
  expect(await problemsOf('archiver', topics({ admin: away, onRefused: (error) => refused.push(error) }))).toEqual([]);
  isAway = false;
  await until('the service is ended', () => refused.length > 0);
  expect(refused).toEqual([expect.any(ConfigurationError)]);
});
