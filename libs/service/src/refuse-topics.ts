import { setTimeout as delay } from 'node:timers/promises';
import type { Service } from '@payflow/contracts';
import { verifyTopics, type BrokerAdmin } from '@payflow/messaging';
import type { CommonConfiguration } from './configuration/common-fields.js';
import { ConfigurationError } from './configuration/configuration.js';

/** How long a start waits for a broker that does not answer; nothing is wrong with the configuration then. */
const ANSWERS_WITHIN_MS = 1_000;
/** A broker that has just begun may not have heard of all topics yet: only what is wrong for so long is wrong. */
const WRONG_FOR_MS = 3_000;
const LOOK_MS = 500;

export interface Topics {
  /** A connection to ask by. */
  readonly admin: () => Promise<BrokerAdmin>;
  readonly profile: CommonConfiguration['PAYFLOW_PARTITIONS'];
  /** Nobody wants to know any more. */
  readonly isDraining: () => boolean;
  /** Ends a service that has started before the broker answered. */
  readonly onRefused: (error: unknown) => void;
}

/**
 * Refuses topics of the service that are missing, or have another number of partitions than PAYFLOW_PARTITIONS says: what is
 * published to them fails, or messages of one key lie in two partitions. A broker that does not answer is not waited for; what
 * it says once it does still counts.
 */
export async function refuseTopics(service: Service, topics: Topics): Promise<void> {
  const first = problemsOf(service, topics);
  const told = await Promise.race([first, delay(ANSWERS_WITHIN_MS, undefined, { ref: false })]);
  if (told) return refuseLasting(service, topics, told);
  void first.then((late) => refuseLasting(service, topics, late)).catch(topics.onRefused);
}

async function refuseLasting(service: Service, topics: Topics, first: readonly string[]): Promise<void> {
  let problems = first;
  for (const until = performance.now() + WRONG_FOR_MS; problems.length > 0 && performance.now() < until;) {
    await delay(LOOK_MS, undefined, { ref: false });
    problems = await problemsOf(service, topics);
  }
  if (problems.length > 0) throw new ConfigurationError(service, problems.map(remedied));
}

function remedied(problem: string): string {
  return `${problem}: set KAFKA_BROKERS, KAFKA_PREFIX and PAYFLOW_PARTITIONS as for \`payflow setup\`, which makes what is missing`;
}

/** As sentences; asked until the broker answers, and none when nobody wants to know any more. */
async function problemsOf(service: Service, { admin, profile, isDraining }: Topics): Promise<string[]> {
  while (!isDraining()) {
    try {
      return await verifyTopics(await admin(), profile, service);
    } catch {
      // Whether the broker is there is what readiness tells.
      await delay(LOOK_MS, undefined, { ref: false });
    }
  }
  return [];
}
