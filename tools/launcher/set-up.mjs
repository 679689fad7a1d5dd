import { runtime } from './checkout.mjs';
import { compile } from './compile.mjs';
import { PartFailure, outputOf } from './local-stack.mjs';
import { ensurePackages } from './packages.mjs';
import { withRow } from './progress.mjs';
import { shown } from './screen.mjs';

/**
 * Packages, then Node 24, which is one of them. The rest of a launch waits for this where it needs either.
 * @param {import('./progress.mjs').Progress} progress
 * @param {() => void} becameCold
 */
export function bringPackages(progress, becameCold) {
  const row = progress.row('packages');
  return withRow(row, async () => {
    row.working('looking');
    const outcome = await ensurePackages((message) => {
      becameCold();
      row.working(message);
    });
    const version = await outputOf(runtime(), ['--version']);
    if (version === null)
      throw new PartFailure('Node', `${shown(runtime())} cannot be run here`, {
        mend: 'install Node 24, and run the command with it',
      });
    row.done(`${outcome}, Node ${version}`);
  });
}

/** @param {import('./progress.mjs').Progress} progress @param {Promise<unknown>} packages */
export function compileAfter(progress, packages) {
  const row = progress.row('compile');
  return withRow(row, async () => {
    row.working('waiting for the packages');
    await packages;
    row.working('compiling what has changed');
    await compile();
    row.done('up to date');
  });
}
