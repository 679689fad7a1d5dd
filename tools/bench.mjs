/** `npm run bench -- <name> [--size smoke|full]`: what it costs, on this machine, with durable servers of its own. Without a name lists them. */
import { join } from 'node:path';

import { serviceNodeArgs } from '../deploy/local/index.mjs';
import { paths, runtime } from './launcher/checkout.mjs';
import { runShown, startPostgres } from './launcher/local-stack.mjs';
import { onTestbed } from './testbed.mjs';

const sizes = ['smoke', 'full'];

/** @typedef {{ dir: string, env: NodeJS.ProcessEnv, size: string }} Place */

/** @type {Record<string, { what: string, run: (place: Place) => Promise<number> }>} */
const benchmarks = {
  pipeline: {
    what: 'payments through the HTTP API and all five services: rate applied, latency, CPU per payment and process',
    run: ({ env, size }) =>
      runShown(runtime(), [...serviceNodeArgs, join(paths.root, 'apps', 'e2e', 'dist', 'bench', 'pipeline.js'), size], {
        cwd: paths.root,
        env: { ...process.env, ...env },
      }),
  },
  ledger: {
    what: "transfers of the ledger's posting against a plain TypeORM poster, in turns in one run",
    run: async ({ dir, env, size }) => {
      const postgres = await startPostgres({ dir: join(dir, 'postgres'), runDir: env['PAYFLOW_RUN_DIR'] ?? dir });
      return runShown(
        runtime(),
        [...serviceNodeArgs, join(paths.root, 'apps', 'ledger', 'dist', 'bench', 'posting.js'), size],
        {
          cwd: paths.root,
          env: { ...process.env, ...env, POSTGRES_URL: postgres.url, POSTGRES_PID: String(postgres.pid) },
        },
      );
    },
  },
};

const [name = '', ...rest] = process.argv.slice(2);
const size = rest[0] === '--size' ? (rest[1] ?? '') : 'smoke';
const chosen = benchmarks[name];

if (chosen === undefined || !sizes.includes(size)) {
  for (const [each, { what }] of Object.entries(benchmarks)) console.log(`${each.padEnd(10)} ${what}`);
  console.log(`\nnpm run bench -- <name> [--size ${sizes.join('|')}]`);
  process.exit(name === '' ? 0 : 1);
}
await onTestbed('bench', (place) => chosen.run({ ...place, size }));
