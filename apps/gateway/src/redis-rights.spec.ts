import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutDir, redisUserLine } from '@payflow/local-stack';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';

const SAID = /\b\w*(?:redis|publisher|subscriber|pipeline)\w*\??\.(?:call\('(\w+)'|([a-z]+)\()/gi;

/** Commands that the gateway's sources say to Redis, in TypeScript and in what they have it evaluate, with where. */
function saidCommands(): ReadonlyMap<string, string> {
  const known = new Set(new Redis({ lazyConnect: true }).getBuiltinCommands());
  const files = globSync(['apps/gateway/src/**/*.ts', 'libs/cache/src/**/*.ts'], {
    cwd: checkoutDir,
    exclude: ['**/*.spec.ts', '**/testing/**', '**/bench/**'],
  });
  const said = files.flatMap((file) =>
    [...readFileSync(join(checkoutDir, file), 'utf8').matchAll(SAID)].map(([, evaluated, called]) => ({
      command: (evaluated ?? called ?? '').toLowerCase(),
      file,
    })),
  );
  return new Map(said.filter(({ command }) => known.has(command)).map(({ command, file }) => [command, file]));
}

const rights = redisUserLine({ service: 'gateway', password: '…' });

it("says nothing to Redis that its user there may not say: one refusal after another opens the caches' breaker", () => {
  const said = saidCommands();
  expect([...said.keys()]).toEqual(expect.arrayContaining(['get', 'set', 'publish', 'subscribe', 'evalsha', 'time']));
  expect([...said].filter(([command]) => !rights.split(' ').includes(`+${command}`))).toEqual([]);
});

it('is told the same rights by the guide to servers of your own', () => {
  const guide = readFileSync(join(checkoutDir, 'docs/guides/your-own-servers.md'), 'utf8');
  expect(guide).toContain(rights.replace('user ', 'ACL SETUSER '));
});
