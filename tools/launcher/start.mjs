import { paths, serviceNames } from './checkout.mjs';
import { bring, kafka, missingAddresses, postgres, redis } from './infrastructure.mjs';
import { beginLaunch } from './launch.mjs';
import { PartFailure, recordKafkaClasses } from './local-stack.mjs';
import { makeFirstPayment, setUpServices } from './payflow-tool.mjs';
import { withRow } from './progress.mjs';
import { report } from './report.mjs';
import { startSandbox } from './sandbox.mjs';
import { printFailure, sinceLaunch } from './screen.mjs';
import { commonEnvironment, startServices } from './services.mjs';
import { bringPackages, compileAfter } from './set-up.mjs';
import { readTrace } from './traces/read-trace.mjs';
import { startTracing } from './traces/tracing.mjs';

const traceWithinMs = 10_000;

/** @param {readonly string[]} args @returns {{ servicesOnly: boolean }} */
function parse(args) {
  const unknown = args.filter((arg) => arg !== '--services-only');
  if (unknown.length > 0)
    throw new PartFailure('npm start', `does not know ${unknown.join(' ')}`, {
      mend: 'npm start, or npm start -- --services-only',
    });
  const servicesOnly = args.includes('--services-only');
  const missing = servicesOnly ? missingAddresses() : null;
  if (missing !== null) throw missing;
  return { servicesOnly };
}

/** @param {import('./launch.mjs').Launch} launch @param {boolean} servicesOnly */
async function bringEverything(launch, servicesOnly) {
  const packages = bringPackages(launch.progress, launch.becameCold);
  const [KAFKA_BROKERS, POSTGRES_URL, REDIS_URL, tracing] = await Promise.all([
    bring(kafka, launch),
    bring(postgres, launch, packages),
    bring(redis, launch),
    startTracing(launch, { withJaeger: !servicesOnly }),
    packages,
    compileAfter(launch.progress, packages),
  ]);
  return { tracing, servers: { KAFKA_BROKERS, POSTGRES_URL, REDIS_URL } };
}

/** @param {import('./launch.mjs').Launch} launch @param {NodeJS.ProcessEnv} environment */
async function prepare(launch, environment) {
  const row = launch.progress.row('databases');
  return withRow(row, async () => {
    row.working('databases, roles, migrations, topics');
    const own = await setUpServices(environment);
    const absent = serviceNames.filter((service) => !own.has(service));
    if (absent.length > 0) throw new PartFailure('payflow setup', `said nothing about ${absent.join(', ')}`);
    row.done('databases, migrations and topics are up to date');
    return own;
  });
}

/** @param {import('./launch.mjs').Launch} launch @param {boolean} servicesOnly */
async function run(launch, servicesOnly) {
  const { tracing, servers } = await bringEverything(launch, servicesOnly);
  const { POSTGRES_URL, ...shared } = servers;
  const environment = { ...shared, ...commonEnvironment(launch.ports), ...tracing.environment };
  const own = await prepare(launch, { ...environment, POSTGRES_URL });
  await Promise.all([startServices(launch, environment, own), startSandbox(launch, environment)]);
  launch.progress.end();

  const demo = await makeFirstPayment(`http://127.0.0.1:${launch.ports.api}`, {
    ...environment,
    ...own.get('gateway'),
  });
  const firstPaymentMs = sinceLaunch();
  const trace =
    tracing.ui === null
      ? null
      : await readTrace(tracing.ui, demo.traceId, { services: serviceNames, withinMs: traceWithinMs });
  launch.progress.say(
    report({ demo, trace, tracesAt: tracing.ui, ports: launch.ports, firstPaymentMs, cold: launch.isCold() }),
  );
  if (!process.env[kafka.variable]) await recordKafkaClasses({ runDir: paths.run });
  await tracing.completeInBackground((line) => launch.progress.say(line));
}

async function main() {
  const { servicesOnly } = parse(process.argv.slice(2));
  const launch = await beginLaunch();
  try {
    await run(launch, servicesOnly);
  } catch (error) {
    if (launch.isClosing()) return;
    launch.progress.end();
    printFailure(error);
    await launch.close();
    process.exit(1);
  }
}

main().catch((error) => {
  printFailure(error);
  process.exit(1);
});
