/** What the campaigns and benchmarks need on this machine: packages, programs, compiled code, and a folder that is tidied up. */
import { join } from 'node:path';

import { paths } from './launcher/checkout.mjs';
import { createClosing } from './launcher/closing.mjs';
import { registerLauncher, sweepTestRuns } from './launcher/left-overs.mjs';
import {
  PartFailure,
  ensureKafka,
  ensurePostgres,
  ensureRedis,
  recordCommandsIn,
  removeServerFolder,
} from './launcher/local-stack.mjs';
import { createProgress, withRow } from './launcher/progress.mjs';
import { printFailure } from './launcher/screen.mjs';
import { bringPackages, compileAfter } from './launcher/set-up.mjs';

const dir = join(paths.tests, String(process.pid));
const runDir = join(dir, 'run');

/**
 * Sets everything up, does the work, stops and removes all that was started, and ends the process with the work's code.
 * @param {string} name  of the command, for messages
 * @param {(place: { dir: string, env: NodeJS.ProcessEnv }) => Promise<number>} work  gets a folder and what it must tell
 *   its processes, so that nothing they start outlives them
 */
export async function onTestbed(name, work) {
  const closing = createClosing({
    runDir,
    say: (line) => console.log(line),
    exitCode: 130,
    after: () => removeServerFolder(dir),
  });
  let code = 1;
  try {
    registerLauncher(runDir);
    recordCommandsIn(runDir);
    await sweepTestRuns();
    await setUp();
    code = await work({ dir, env: { PAYFLOW_RUN_DIR: runDir, PAYFLOW_TEST_DIR: join(paths.logs, name) } });
  } catch (error) {
    if (closing.isClosing()) return new Promise(() => {});
    printFailure(error instanceof PartFailure ? error : new PartFailure(name, String(error)));
  }
  await closing.begin();
  process.exit(code);
}

async function setUp() {
  const progress = createProgress();
  const bring = (
    /** @type {string} */ part,
    /** @type {(say: (message: string) => void) => Promise<{ version: string }>} */ ensure,
    /** @type {Promise<unknown>} */ after,
  ) => {
    const row = progress.row(part);
    return withRow(row, async () => {
      row.working('looking');
      await after;
      row.done((await ensure(row.working)).version);
    });
  };
  try {
    const packages = bringPackages(progress, () => {});
    await Promise.all([
      bring('Kafka', (onProgress) => ensureKafka({ onProgress }), Promise.resolve()),
      bring('Redis', (onProgress) => ensureRedis({ onProgress }), Promise.resolve()),
      bring('PostgreSQL', (onProgress) => ensurePostgres({ onProgress }), packages),
      compileAfter(progress, packages),
    ]);
  } finally {
    progress.end();
  }
}
