import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { paths, runtime } from './checkout.mjs';
import { createClosing } from './closing.mjs';
import { registerLauncher, sweepTestRuns } from './left-overs.mjs';
import {
  PartFailure,
  ensureKafka,
  ensurePostgres,
  ensureRedis,
  recordCommandsIn,
  removeServerFolder,
  runShown,
} from './local-stack.mjs';
import { npmCommand } from './packages.mjs';
import { createProgress, withRow } from './progress.mjs';
import { bold, printFailure } from './screen.mjs';
import { bringPackages, compileAfter } from './set-up.mjs';
import { add, countResults } from './test-results.mjs';
import { startTestStack } from './test-stack.mjs';

const dir = join(paths.tests, String(process.pid));
const runDir = join(dir, 'run');
const reports = join(dir, 'reports');

const closing = createClosing({
  runDir,
  say: (line) => console.log(line),
  exitCode: 130,
  after: () => removeServerFolder(dir),
});

/** Everything the tests need on this machine, in parallel. */
async function setUp() {
  const progress = createProgress();
  const nothing = () => {};
  const bring = (
    /** @type {string} */ name,
    /** @type {(say: (message: string) => void) => Promise<{ version: string }>} */ ensure,
    /** @type {Promise<unknown>} */ after,
  ) => {
    const row = progress.row(name);
    return withRow(row, async () => {
      row.working('looking');
      await after;
      row.done((await ensure(row.working)).version);
    });
  };
  try {
    const packages = bringPackages(progress, nothing);
    const now = Promise.resolve();
    await Promise.all([
      bring('Kafka', (onProgress) => ensureKafka({ onProgress }), now),
      bring('Redis', (onProgress) => ensureRedis({ onProgress }), now),
      bring('PostgreSQL', (onProgress) => ensurePostgres({ onProgress }), packages),
      compileAfter(progress, packages),
    ]);
  } finally {
    progress.end();
  }
}

/**
 * Runs one step with its output shown. A step that fails without a failed test in its report (a lint rule, a crash)
 * counts as one failure.
 * @param {string} title @param {string} command @param {readonly string[]} args @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import('./test-results.mjs').Counts>}
 */
async function step(title, command, args, env) {
  console.log(`\n${bold(title)}`);
  const folder = join(reports, title.replaceAll(' ', '-'));
  mkdirSync(folder, { recursive: true });
  const report = join(folder, 'vitest.json');
  const full = args.map((arg) => arg.replace('<report>', report));
  const code = await runShown(command, full, {
    cwd: paths.root,
    env: { ...process.env, ...env, PAYFLOW_TEST_REPORTS: folder },
  });
  const counts = countResults(folder);
  return code !== 0 && counts.failed === 0
    ? add(counts, { passed: 0, failed: 1, failures: [`the step '${title}' ended with ${code}`] })
    : counts;
}

/** @param {string} config @param {NodeJS.ProcessEnv} env @param {string} title */
function vitest(title, config, env) {
  const args = ['run', '--config', config, '--reporter=default', '--reporter=json', '--outputFile.json=<report>'];
  return step(title, runtime(), [join(paths.modules, 'vitest', 'vitest.mjs'), ...args], env);
}

async function run() {
  registerLauncher(runDir);
  recordCommandsIn(runDir);
  const swept = await sweepTestRuns();
  if (swept.length > 0) console.log(`Stopped what an earlier run left: ${swept.join(', ')}.`);
  await setUp();

  const npm = npmCommand();
  const checked = await step('check', npm.command, [...npm.first, 'run', '--silent', 'check'], {});
  const stack = await startTestStack(dir);
  const env = { ...stack, PAYFLOW_RUN_DIR: runDir, PAYFLOW_TEST_DIR: join(dir, 'tests') };
  const integration = await vitest('integration tests', 'vitest.int.config.mts', env);
  const flow = await vitest('flow tests', 'vitest.e2e.config.mts', env);
  return [checked, integration, flow].reduce(add);
}

/** @returns {Promise<number>} the exit code */
async function main() {
  try {
    const counts = await run();
    await closing.begin();
    for (const failure of counts.failures) console.log(`failed: ${failure.replace(`${paths.root}/`, '')}`);
    console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
    return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
  } catch (error) {
    // A signal is at work already: it ends the process itself.
    if (closing.isClosing()) return new Promise(() => {});
    printFailure(error instanceof PartFailure ? error : new PartFailure('npm test', String(error)));
    await closing.begin();
    console.log('\nThe set-up failed: no verdict on the tests.\n0 passed, 1 failed');
    return 1;
  }
}

process.exit(await main());
