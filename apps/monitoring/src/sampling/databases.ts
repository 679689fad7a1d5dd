import type { Service } from '@payflow/contracts';
import type { DatabaseReport } from '@payflow/database';
import type { BusyStatement } from '../database/statement-spans.repository.js';
import type { Readable } from './self-reader.js';
import { reasonOf } from './service-reader.js';

/** A service's database as the service tells it; nothing of it is known where `reason` says why not. */
export type ServiceDatabase = { readonly service: Service; readonly busiest?: readonly BusyStatement[] } & (
  ({ readonly reason: null } & DatabaseReport) | { readonly reason: string }
);

export interface DatabasesAnswer {
  readonly checked_at: string;
  /** Over all services that were heard. */
  readonly advice_count: number;
  /** Why it is not known what they were busiest with; null where it is. */
  readonly busiest_reason: string | null;
  readonly services: readonly ServiceDatabase[];
}

/** What all services say of their databases; one that does not answer hides nothing of the others. */
export async function databasesOf(
  readers: readonly Pick<Readable, 'service' | 'databaseReport'>[],
  now: Date,
): Promise<DatabasesAnswer> {
  const services = await Promise.all(
    readers.map(async (reader): Promise<ServiceDatabase> => {
      try {
        return { service: reader.service, reason: null, ...(await reader.databaseReport()) };
      } catch (error) {
        return { service: reader.service, reason: reasonOf(error) };
      }
    }),
  );
  return {
    checked_at: now.toISOString(),
    advice_count: services.reduce((sum, one) => sum + ('advice' in one ? one.advice.length : 0), 0),
    busiest_reason: null,
    services,
  };
}

/** The answer with what each service's database was busiest with in the last hour. */
export function withBusiest(
  answer: DatabasesAnswer,
  busiest: readonly (BusyStatement & { readonly service: string })[],
): DatabasesAnswer {
  const services = answer.services.map((one) => ({
    ...one,
    busiest: busiest.filter(({ service }) => service === one.service).map(({ service: _, ...statement }) => statement),
  }));
  return { ...answer, services };
}
