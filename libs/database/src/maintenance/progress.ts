import type { Explaining } from '../care/explain.js';
import type { MaintenanceKind, MaintenanceStep } from './steps.js';

/** Apart from the service's tables: it is the operators', and in no dump of the schema. */
const TABLES = `
create schema if not exists maintenance;
create table if not exists maintenance.steps (
  position integer primary key,
  kind text not null,
  subject text not null,
  statement text not null,
  lock text not null,
  planned_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  problem text
)`;

export interface PlannedStep extends MaintenanceStep {
  readonly position: number;
}

/** What was planned longer ago is planned anew: the database is another by now. */
const PLAN_KEPT = '3 days';

/** The steps of these kinds that a run which was broken off has left, in order; empty where the last one came to its end. */
export async function leftSteps(client: Explaining, kinds: readonly MaintenanceKind[]): Promise<PlannedStep[]> {
  const { rows: known } = await client.query(`select where to_regclass('maintenance.steps') is not null`);
  if (known.length === 0) return [];
  const { rows } = await client.query<PlannedStep & { readonly kind: MaintenanceKind }>(
    `select position, kind, subject, statement, lock from maintenance.steps
     where ended_at is null and kind = any ($1::text[]) and planned_at > now() - interval '${PLAN_KEPT}' order by position`,
    [kinds],
  );
  return rows;
}

/** Forgets the last run, and writes down what is to be done in this one. */
export async function planSteps(client: Explaining, steps: readonly MaintenanceStep[]): Promise<PlannedStep[]> {
  await client.query(TABLES);
  const planned = steps.map((step, position) => ({ ...step, position }));
  await client.query('begin');
  await client.query('delete from maintenance.steps');
  for (const { position, kind, subject, statement, lock } of planned) {
    await client.query(
      'insert into maintenance.steps (position, kind, subject, statement, lock) values ($1, $2, $3, $4, $5)',
      [position, kind, subject, statement, lock],
    );
  }
  await client.query('commit');
  return planned;
}

/** A step that could not be done is over as well: the next run looks at the database anew. */
export async function endStep(client: Explaining, { position }: PlannedStep, problem: string | null): Promise<void> {
  await client.query('update maintenance.steps set ended_at = clock_timestamp(), problem = $2 where position = $1', [
    position,
    problem,
  ]);
}
