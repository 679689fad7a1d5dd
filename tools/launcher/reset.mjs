import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { paths } from './checkout.mjs';
import { stopOtherLauncher, sweepTestRuns } from './left-overs.mjs';
import { removeServerFolder, stopRecorded } from './local-stack.mjs';
import { printFailure, shown } from './screen.mjs';

// Downloads and builds: nothing in them depends on what this checkout did.
const kept = ['cache'];

/** Stops what runs from this checkout, and forgets all local state; with `--all` the downloads, too. */
async function main() {
  const all = process.argv.includes('--all');
  if (await stopOtherLauncher()) console.log('Stopped the launcher that was running.');
  const stopped = [...(await stopRecorded(paths.run)), ...(await sweepTestRuns())];
  if (stopped.length > 0) console.log(`Stopped what was left over: ${stopped.join(', ')}.`);
  const removed = removeState(all ? [] : kept);
  console.log(
    removed.length === 0
      ? 'There was no local state.'
      : `Removed ${removed.map((name) => `${shown(paths.state)}/${name}`).join(', ')}.`,
  );
  if (!all) console.log('Downloads are kept; npm run reset -- --all removes them, too.');
}

/** @param {readonly string[]} except @returns {string[]} */
function removeState(except) {
  const names = existsSync(paths.state)
    ? readdirSync(paths.state).filter((name) => !except.includes(name) && !isTestRun(name))
    : [];
  for (const name of names) removeServerFolder(join(paths.state, name));
  if (existsSync(paths.state) && readdirSync(paths.state).length === 0) rmSync(paths.state, { recursive: true });
  return names;
}

/** What is left there after the sweep belongs to a test run that is alive. @param {string} name */
function isTestRun(name) {
  return name === 'test' && readdirSync(paths.tests).length > 0;
}

main().catch((error) => {
  printFailure(error);
  process.exit(1);
});
