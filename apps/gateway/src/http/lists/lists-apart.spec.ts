import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutDir } from '@payflow/local-stack';
import { expect, it } from 'vitest';

/** Each list of a controller: from its call to the end of what it is given. */
const LIST = /sendPage\(.*?\n {4}\}\);/gs;

/** Small, and written by whoever reads them next: an organisation's own people, keys and sessions. */
const ON_REQUESTS = ['identity/api-keys', 'identity/auth', 'identity/users'];

it('lists are read over the connections for reports: what takes long must not take those that requests wait for', () => {
  const controllers = join(checkoutDir, 'apps/gateway/src/http');
  const files = globSync('**/*.controller.ts', { cwd: controllers });
  const lists = files.flatMap((file) =>
    (readFileSync(join(controllers, file), 'utf8').match(LIST) ?? []).map((list) => ({ file, list })),
  );
  expect(lists.length).toBeGreaterThan(15);
  const onRequests = lists.filter(({ list }) => list.includes('this.db'));
  expect(onRequests.map(({ file }) => file.replace('.controller.ts', '')).sort()).toEqual(ON_REQUESTS);
});
