import { SERVICES, type Service } from '@payflow/contracts';
import {
  MAINTENANCE_KINDS,
  MaintenanceRefused,
  maintain,
  type Maintained,
  type MaintenanceKind,
  type Window,
} from '@payflow/database';
import { Client } from 'pg';
import { migratorUrl } from '../installation.js';

interface MaintainCommand {
  readonly service?: Service;
  readonly only?: readonly MaintenanceKind[];
  readonly all?: boolean;
  readonly window?: Window;
  readonly rest?: number;
  readonly dryRun?: boolean;
}

const REST_S = 1;
const MS_PER_S = 1_000;
const FAILED = 1;
const STEPS_LEFT = 2;

/** One database after the other. Exits with 1 when a step failed, and with 2 when the window closed before all was done. */
export async function maintainDatabases(command: MaintainCommand): Promise<void> {
  for (const service of command.service ? [command.service] : SERVICES) {
    const { done, failed, left } = await maintainOne(service, command);
    if (command.dryRun) tellPlan(service, left);
    else tell(`${service}: ${done.length} done, ${failed.length} failed, ${left.length} left`);
    if (command.dryRun) continue;
    if (left.length > 0) process.exitCode ??= STEPS_LEFT;
    if (failed.length > 0) process.exitCode = FAILED;
  }
}

async function maintainOne(
  service: Service,
  { only, all, window, rest, dryRun }: MaintainCommand,
): Promise<Maintained> {
  const client = new Client({ connectionString: migratorUrl(service), application_name: 'payflow-maintenance' });
  await client.connect();
  try {
    return await maintain(client, {
      kinds: only ?? MAINTENANCE_KINDS,
      all: all ?? false,
      window,
      rest_ms: (rest ?? REST_S) * MS_PER_S,
      dryRun: dryRun ?? false,
      tell: (line) => tell(`${service}: ${line}`),
    });
  } catch (error) {
    if (error instanceof MaintenanceRefused) throw new Error(`${service}: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await client.end();
  }
}

function tellPlan(service: Service, steps: Maintained['left']): void {
  if (steps.length === 0) tell(`${service}: nothing to do`);
  for (const { statement, lock } of steps) tell(`${service}: ${statement}; (${lock})`);
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
