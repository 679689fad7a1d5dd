import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { logOf, paths, runtime } from './checkout.mjs';
import { PartFailure, runLogged } from './local-stack.mjs';

/** Compiles the whole workspace, and makes its programs, as far as something has changed. */
export async function compile() {
  await checkTypes();
  await runLogged({
    part: 'compile',
    command: runtime(),
    args: [join(paths.root, 'tools', 'bundle.mjs')],
    cwd: paths.root,
    logFile: logOf('compile'),
  });
}

async function checkTypes() {
  const log = logOf('compile');
  const from = existsSync(log) ? readFileSync(log, 'utf8').length : 0;
  const compiler = join(paths.modules, 'typescript7', 'bin', 'tsc');
  try {
    await runLogged({
      part: 'compile',
      command: runtime(),
      args: [compiler, '-b', 'tsconfig.json'],
      cwd: paths.root,
      logFile: log,
    });
  } catch (error) {
    // The compiler's first complaints say more than its last.
    const complaints = readFileSync(log, 'utf8')
      .slice(from)
      .split('\n')
      .filter((line) => line.includes('error TS'));
    if (complaints.length === 0) throw error;
    throw new PartFailure('compile', `${complaints.length} type errors, the first: ${complaints[0]}`, {
      logFile: log,
      mend: 'npm run build shows them all',
    });
  }
}
