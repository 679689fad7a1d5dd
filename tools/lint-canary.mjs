/**
 * Proves that the boundary rule is awake: plants one forbidden import (an app reaching into another app), lints it through
 * Nx, and fails unless that is an error. Without a project graph the rule is skipped in silence and everything passes.
 */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

const canary = 'apps/payments/src/boundary-canary.ts';

try {
  writeFileSync(
    canary,
    "import { migrations } from '@payflow/ledger/database';\n\nexport const canary = migrations;\n",
  );
  const { stdout, status } = spawnSync(
    process.execPath,
    ['node_modules/nx/dist/bin/nx.js', 'run', '@payflow/payments:lint', '--skip-nx-cache', '--outputStyle=static'],
    { encoding: 'utf8', env: { ...process.env, NX_DAEMON: 'false', NO_COLOR: '1', FORCE_COLOR: '0' } },
  );
  const reported = /error .*@nx\/enforce-module-boundaries/.test(stdout);
  if (status === 0 || !reported) {
    console.error(`the planted violation in ${canary} was not reported:\n${stdout}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(canary, { force: true });
}
