/** `npm run e2e -- <scenario>…`: what happens when things die. Without a name lists them; `all` plays them all. */
import { join } from 'node:path';

import { paths, runtime } from './launcher/checkout.mjs';
import { runShown } from './launcher/local-stack.mjs';
import { startTestStack } from './launcher/test-stack.mjs';
import { onTestbed } from './testbed.mjs';

const scenarios = ['--enable-source-maps', join(paths.root, 'apps', 'e2e', 'dist', 'faults', 'main.js')];

await onTestbed('e2e', async ({ dir, env }) => {
  const names = process.argv.slice(2);
  const servers = names.length === 0 ? {} : await startTestStack(dir);
  return runShown(runtime(), [...scenarios, ...names], {
    cwd: paths.root,
    env: { ...process.env, ...servers, ...env },
  });
});
