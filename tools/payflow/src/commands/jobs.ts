import type { Service } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { JOB_STATES, discardJobs, listJobs, redriveJobs, showJob, type Decision, type JobState } from '@payflow/jobs';
import { Command, Option } from 'commander';
import { parseJobs, parseWords } from '../arguments.js';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

/** Who has a queue. */
const SERVICES_WITH_JOBS: readonly Service[] = ['payments'];
const LISTED_MAX = 200;

/** `payflow jobs`: background work that waits, runs or has failed for good, and what becomes of it. */
export function jobsCommands(): Command {
  const jobs = new Command('jobs').description('background work');
  jobs
    .command('list')
    .addOption(new Option('--state <state>', 'only those that stand so').choices(JOB_STATES))
    .option('--name <job>', 'only those of one name, such as provider.ask')
    .addOption(serviceOption())
    .description('the first 200, those that were due first at the head')
    .action(list);
  jobs
    .command('show')
    .argument('<id>', 'its id', parseOne)
    .addOption(serviceOption())
    .description('all that is known of one')
    .action(show);
  for (const [name, decide, description] of [
    ['redrive', redriveJobs, 'let dead jobs run again, as often as new ones'],
    ['discard', discardJobs, 'take dead jobs away, for good'],
  ] as const) {
    jobs
      .command(name)
      .argument('<ids>', 'ids of dead jobs, separated by commas', parseJobs)
      .requiredOption('--actor <who>', 'who decides', parseWords)
      .requiredOption('--reason <why>', 'why', parseWords)
      .addOption(serviceOption())
      .description(description)
      .action((ids: string[], wish: Decision & Where) => change(name, decide, ids, wish));
  }
  return jobs;
}

interface Where {
  readonly service: Service;
}

function serviceOption(): Option {
  return new Option('--service <service>', 'whose').choices(SERVICES_WITH_JOBS).default(SERVICES_WITH_JOBS[0]);
}

function parseOne(text: string): string {
  return parseJobs(text)[0] as string;
}

async function list({ service, state, name }: Where & { state?: JobState; name?: string }): Promise<void> {
  const wish = { limit: LISTED_MAX, ...(state ? { state } : {}), ...(name ? { name } : {}) };
  const rows = await withDatabase(service, (db) => listJobs(db, wish));
  printTable(
    rows.map((row) => ({
      id: row.id,
      job: row.name,
      state: row.state,
      due: row.run_at,
      attempts: `${row.attempts}/${row.attempts_max}`,
      done: row.percent === null ? null : `${row.percent} %`,
      error: row.last_error,
    })),
    'there are no such jobs',
  );
}

async function show(id: string, { service }: Where): Promise<void> {
  const job = await withDatabase(service, (db) => showJob(db, id));
  if (!job) throw new Error('there is no such job: it is done, or was discarded');
  process.stdout.write(`${JSON.stringify(job, undefined, 2)}\n`);
}

async function change(
  name: string,
  decide: (db: Database, ids: readonly string[], by: Decision) => Promise<number>,
  ids: readonly string[],
  { actor, reason, service }: Decision & Where,
): Promise<void> {
  const changed = await withDatabase(service, (db) => decide(db, ids, { actor, reason }));
  if (changed === 0) throw new Error('none of these jobs is dead');
  process.stdout.write(`${name}: ${changed} of ${ids.length}\n`);
}
