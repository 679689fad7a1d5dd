import { existsSync } from 'node:fs';

import { logOf, paths, runtime, serviceNames } from './checkout.mjs';
import { PartFailure, programOf, redisUrlAs, serviceNodeArgs, startServer } from './local-stack.mjs';
import { withRow } from './progress.mjs';
import { cardsEnvironment } from './sandbox.mjs';
import { secretOf } from './secrets.mjs';

const drainMs = 15_000;
const readyWithinMs = 60_000;

/** @param {import('./checkout.mjs').ServiceName} service @param {import('./launch.mjs').Launch['ports']} ports */
export function portOf(service, ports) {
  return service === 'gateway' ? ports.api : ports[service];
}

/**
 * What every service is told, whoever runs the servers.
 * @param {import('./launch.mjs').Launch['ports']} ports
 * @returns {Record<string, string>}
 */
export function commonEnvironment(ports) {
  const urls = serviceNames.map((service) => [
    `PAYFLOW_INTERNAL_${service.toUpperCase()}_URL`,
    `http://127.0.0.1:${portOf(service, ports)}`,
  ]);
  return {
    NODE_ENV: 'development',
    PAYFLOW_STATE_DIR: paths.state,
    PAYFLOW_INTERNAL_SECRET: secretOf('internal-secret'),
    ...Object.fromEntries(urls),
  };
}

/** The users of our own Redis: the services that keep something there. */
export function redisUsers() {
  return [{ service: 'gateway', password: secretOf('redis-gateway') }];
}

/**
 * What one service alone is told. Of a Redis that somebody else named, that is who they said it should be there.
 * @param {import('./checkout.mjs').ServiceName} service @param {NodeJS.ProcessEnv} environment
 * @returns {Record<string, string>}
 */
function ownEnvironment(service, environment) {
  const user = redisUsers().find((each) => each.service === service);
  const url = environment['REDIS_URL'];
  return {
    ...(service === 'ledger' ? { PAYFLOW_LEDGER_SIGNING_KEY: secretOf('ledger-signing-key') } : {}),
    ...(user && url && !process.env['REDIS_URL'] ? { REDIS_URL: redisUrlAs(url, user) } : {}),
  };
}

/**
 * Starts the five services, all at once, and waits until each says it is ready.
 * @param {import('./launch.mjs').Launch} launch
 * @param {NodeJS.ProcessEnv} environment
 * @param {Map<string, Record<string, string>>} own  each service's own part of the environment
 */
export async function startServices(launch, environment, own) {
  await Promise.all(
    serviceNames.map(async (service) => {
      const row = launch.progress.row(service);
      await withRow(row, async () => {
        row.working('starting');
        const start = () =>
          startService(service, portOf(service, launch.ports), {
            ...environment,
            ...own.get(service),
            ...ownEnvironment(service, environment),
            ...cardsEnvironment(service, launch.ports),
          });
        const server = await start();
        launch.supervise(service, server, start);
        row.done(`${server.url} (pid ${server.pid})`);
      });
    }),
  );
}

/** @param {import('./checkout.mjs').ServiceName} service @param {number} port @param {NodeJS.ProcessEnv} environment */
function startService(service, port, environment) {
  const main = programOf(service);
  if (!existsSync(main)) throw new PartFailure(service, `there is no ${main}`, { mend: 'npm run build' });
  return startServer({
    part: service,
    name: service,
    role: 'service',
    command: runtime(),
    args: [...serviceNodeArgs, main],
    cwd: paths.root,
    env: { ...process.env, ...environment, PORT: String(port) },
    url: `http://127.0.0.1:${port}`,
    ports: { http: port },
    logFile: logOf(service),
    runDir: paths.run,
    ready: () => isReady(port),
    readyWithinMs,
    graceMs: drainMs,
  });
}

/** @param {number} port @returns {Promise<boolean>} */
async function isReady(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2_000) });
  if (answer.status === 200) return true;
  throw new Error(`/readyz answers ${answer.status} ${(await answer.text()).slice(0, 300)}`);
}
