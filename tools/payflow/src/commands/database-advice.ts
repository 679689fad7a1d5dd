import { SERVICES, type Service } from '@payflow/contracts';
import { LIMITS, reportFrom, sizeText, suggest, type DatabaseReport, type Limits } from '@payflow/database';
import { Client } from 'pg';
import { MODULE_OF, databaseUrl } from '../installation.js';
import { tryOutOnCopy } from './database-copy.js';

interface AdviseOptions {
  readonly service?: Service;
  readonly json?: boolean;
  readonly observed?: number;
  readonly tryOut?: boolean;
}

type ServiceReport = DatabaseReport & { readonly service: Service };

const SECONDS_PER_HOUR = 3_600;
const STATEMENT_TIMEOUT_MS = 30_000;
const TABLES_SHOWN = 5;

/** What each service's database lacks, as its own role sees it. Exits with 0 whether there is advice or not. */
export async function adviseOnDatabases({ service, json, observed, tryOut }: AdviseOptions): Promise<void> {
  const limits = observed === undefined ? LIMITS : { ...LIMITS, observed_s_min: observed * SECONDS_PER_HOUR };
  const reports: ServiceReport[] = [];
  for (const each of service ? [service] : SERVICES) {
    await MODULE_OF[each]();
    reports.push({ service: each, ...(await adviceFor(each, limits, tryOut ?? false)) });
  }
  if (json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
  else for (const report of reports) process.stdout.write(textOf(report));
}

async function adviceFor(service: Service, limits: Limits, triesOut: boolean): Promise<DatabaseReport> {
  const url = databaseUrl(service);
  const suggested = await withClient(url, (client) => suggest(client, limits));
  if (!triesOut || suggested.triedOut) return reportFrom(suggested);
  // Nobody may be connected to what is copied, this command included.
  return reportFrom({ ...suggested, advices: await tryOutOnCopy(url, suggested.advices), triedOut: true });
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    application_name: 'payflow-cli',
    statement_timeout: STATEMENT_TIMEOUT_MS,
  });
  await client.connect();
  try {
    // Statements are explained and never run; this is for whoever doubts it.
    await client.query('set default_transaction_read_only = on');
    return await work(client);
  } finally {
    await client.end();
  }
}

function textOf({ service, at, counted_since, uncounted, bytes, tables, advice }: ServiceReport): string {
  const largest = tables
    .slice(0, TABLES_SHOWN)
    .map((table) => `${table.table} ${sizeText(table.bytes)} + ${sizeText(sumOfIndexes(table))} of indexes`);
  const lines = [
    `${service}: ${sizeText(bytes)} at ${at}, counted since ${counted_since}`,
    `  largest: ${largest.join('; ')}`,
    ...(uncounted ? [`  no advice on statements: ${uncounted}`] : []),
    ...(advice.length === 0 ? ['  nothing to advise'] : []),
    ...advice.flatMap(({ kind, subject, evidence, statements, gain, lock, tried_out }) => [
      `  ${kind}: ${subject}`,
      `    evidence: ${evidence}`,
      ...statements.map((statement) => `    ${statement};`),
      `    gain: ${gain}${tried_out === false ? ' (an estimate: it was not tried out)' : ''}`,
      `    lock: ${lock}`,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function sumOfIndexes({ indexes }: DatabaseReport['tables'][number]): number {
  return indexes.reduce((sum, { bytes }) => sum + bytes, 0);
}
