import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { logOf, paths, runtime } from './checkout.mjs';
import { PartFailure, programOf, startServer } from './local-stack.mjs';
import { withRow } from './progress.mjs';
import { secretOf } from './secrets.mjs';

const graceMs = 5_000;
const readyWithinMs = 60_000;

/** @type {readonly import('./checkout.mjs').ServiceName[]} who talks to acquirers, or hears from them */
const speakers = ['gateway', 'payments'];

/** `CARDS_URL` in the environment names somebody else's acquirer: then there is none of ours. */
export function hasSandbox() {
  return !process.env['CARDS_URL'];
}

/** @param {import('./launch.mjs').Launch['ports']} ports */
export function sandboxUrl(ports) {
  return `http://127.0.0.1:${ports.sandbox}`;
}

/**
 * What a service is told of the acquirer of card payments.
 * @param {import('./checkout.mjs').ServiceName} service @param {import('./launch.mjs').Launch['ports']} ports
 * @returns {Record<string, string>}
 */
export function cardsEnvironment(service, ports) {
  if (!hasSandbox() || !speakers.includes(service)) return {};
  return {
    CARDS_URL: sandboxUrl(ports),
    CARDS_API_KEY: secretOf('cards-api-key'),
    CARDS_WEBHOOK_SECRET: webhookSecret(),
  };
}

/** In the form that Standard Webhooks gives it. */
function webhookSecret() {
  return `whsec_${Buffer.from(secretOf('cards-webhook-secret')).toString('base64')}`;
}

/**
 * Starts the sandbox acquirer, which plays the outside world in development; its books outlive it as the databases do.
 * @param {import('./launch.mjs').Launch} launch @param {NodeJS.ProcessEnv} environment
 */
export async function startSandbox(launch, environment) {
  const row = launch.progress.row('sandbox');
  if (!hasSandbox()) return row.skipped('CARDS_URL names an acquirer');
  await withRow(row, async () => {
    row.working('starting');
    const start = () => startProcess(launch.ports, environment);
    const server = await start();
    launch.supervise('sandbox', server, start);
    row.done(`${server.url} (pid ${server.pid})`);
  });
}

/** @param {import('./launch.mjs').Launch['ports']} ports @param {NodeJS.ProcessEnv} environment */
function startProcess(ports, environment) {
  const main = programOf('sandbox');
  if (!existsSync(main)) throw new PartFailure('sandbox', `there is no ${main}`, { mend: 'npm run build' });
  return startServer({
    part: 'sandbox',
    name: 'sandbox',
    role: 'service',
    command: runtime(),
    args: ['--enable-source-maps', main],
    cwd: paths.root,
    env: {
      ...process.env,
      ...environment,
      PORT: String(ports.sandbox),
      SANDBOX_API_KEY: secretOf('cards-api-key'),
      SANDBOX_WEBHOOK_SECRET: webhookSecret(),
      SANDBOX_WEBHOOK_URL: `http://127.0.0.1:${ports.api}/api/v1/provider_webhooks/cards`,
      SANDBOX_JOURNAL: join(paths.state, 'sandbox', 'journal.ndjson'),
    },
    url: sandboxUrl(ports),
    ports: { http: ports.sandbox },
    logFile: logOf('sandbox'),
    runDir: paths.run,
    ready: async () => (await fetch(`${sandboxUrl(ports)}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
    readyWithinMs,
    graceMs,
  });
}
