import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ensureRedis } from './redis/index.mjs';
import { redisUserLine } from './redis/users.mjs';

describe('Redis', () => {
  let dir = '';
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'payflow-redis-'))));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true });
  });

  /** A program that says that it is this version. */
  function program(/** @type {string} */ folder, /** @type {string} */ version) {
    const path = join(dir, folder, 'redis-server');
    mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(path, `#!/bin/sh\necho 'Redis server v=${version} sha=00000000:0 malloc=jemalloc-5.2.1 bits=64'\n`);
    chmodSync(path, 0o755);
    return path;
  }

  it.each([
    // Debian 11 and Ubuntu 22.04 have it; it stumbles over the channels in our list of users.
    ['6.0.16', '7.0.15'],
    ['6.2.0', '6.2.0'],
    ['10.0.1', '10.0.1'],
  ])(
    'of the system, %s, is taken where it knows users with channels, else one that was brought: %s',
    async (system, taken) => {
      program('bin', system);
      vi.stubEnv('PATH', `${join(dir, 'bin')}:/usr/bin:/bin`);
      const brought = program(join('cache', 'redis'), '7.0.15');
      writeFileSync(join(dir, 'cache', 'redis', 'stamp.json'), JSON.stringify({ server: brought }));
      expect((await ensureRedis({ root: dir })).version).toBe(taken);
    },
  );

  it('of 6.2, which a user without root is brought, takes the line of a user: no channels, and then those of its own', () => {
    const rules = redisUserLine({ service: 'gateway', password: 'x' }).split(' ');
    const [none, own] = ['resetchannels', '&payflow:gateway:*'].map((rule) => rules.indexOf(rule));
    expect(none).toBeGreaterThan(rules.indexOf('reset'));
    expect(own).toBeGreaterThan(none ?? 0);
  });
});
