/** `npm run check`: format, types, programs, types of specs, lint with its boundary canary, unit tests, generated files, the API's document. Each step named, the first failure ends it. */
import { spawnSync } from 'node:child_process';

const node = process.execPath;
const steps = [
  ['format', [node, 'node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']],
  ['types', [node, 'node_modules/typescript7/bin/tsc', '-b', 'tsconfig.json']],
  ['programs', [node, 'tools/bundle.mjs']],
  ['types of specs', [node, 'node_modules/typescript7/bin/tsc', '-p', 'tsconfig.specs.json']],
  ['lint', [node, 'node_modules/nx/dist/bin/nx.js', 'run-many', '-t', 'lint', '--outputStyle=static']],
  ['boundaries canary', [node, 'tools/lint-canary.mjs']],
  ['unit tests', [node, 'node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.config.mts', ...reporter()]],
  ['generated files', [node, 'dist/payflow.mjs', 'generate', '--check']],
  ['API document', [node, 'dist/payflow.mjs', 'openapi', 'check']],
];

/** Where the caller counts the tests, a report is written beside the usual output. */
function reporter() {
  const folder = process.env.PAYFLOW_TEST_REPORTS;
  return folder ? ['--reporter=default', '--reporter=json', `--outputFile.json=${folder}/unit.json`] : [];
}

for (const [name, [command, ...args]] of steps) {
  const startedAt = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, NX_DAEMON: 'false' } });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`check: ${name} failed (${seconds} s)`);
    process.exit(1);
  }
  console.log(`check: ${name} ok (${seconds} s)`);
}
