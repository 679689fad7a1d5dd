import { expect, it } from 'vitest';
import { Health, NotWell, type Check } from './health.js';

const check = (name: string, level: Check['level'], run: Check['run']): Check => ({ name, level, run });
const up = (): void => undefined;
const down = (): never => {
  throw new NotWell('broken');
};

function running(...checks: Check[]): Health {
  const health = new Health('spec');
  for (const one of checks) health.register(one);
  health.enter('running');
  return health;
}

it.each([
  ['all are up', [check('a', 'required', up), check('b', 'degraded', up)], 'ready'],
  ['one that may fail is down', [check('a', 'required', up), check('b', 'degraded', down)], 'degraded'],
  ['one that is required is down', [check('a', 'required', down), check('b', 'degraded', down)], 'unavailable'],
  ['there are none', [], 'ready'],
] as const)('when %s', async (_what, checks, status) => {
  expect((await running(...checks).report()).status).toBe(status);
});

it('says which, and why in one word', async () => {
  const { checks } = await running(check('a', 'required', down)).report();
  expect(checks).toEqual([
    { name: 'a', level: 'required', status: 'down', reason: 'broken', duration_ms: expect.any(Number) as number },
  ]);
});

it('gives a check a second', async () => {
  const start = performance.now();
  const { checks } = await running(check('a', 'required', () => new Promise(() => undefined))).report();
  expect(performance.now() - start).toBeLessThan(1_500);
  expect(checks[0]).toMatchObject({ status: 'down', reason: 'timeout' });
});

it('asks once for all who ask within a second', async () => {
  let runs = 0;
  const health = running(check('a', 'required', () => void runs++));
  await health.report(0);
  await Promise.all([health.report(0), health.report(10), health.report(999)]);
  expect(runs).toBe(1);
  await health.report(1_001);
  expect(runs).toBe(2);
});

it('asks anew for those who wait until it is ready for the first time', async () => {
  let well = false;
  const health = running(check('a', 'required', () => (well ? undefined : Promise.reject(new Error('not yet')))));
  expect(await health.report(0)).toMatchObject({ status: 'unavailable' });
  well = true;
  expect(await health.report(10)).toMatchObject({ status: 'unavailable' });
  expect(await health.report(21)).toMatchObject({ status: 'ready' });
  well = false;
  expect(await health.report(42)).toMatchObject({ status: 'ready' });
});

it('is starting first and draining last, whatever the checks say', async () => {
  const health = new Health('spec');
  expect((await health.report()).status).toBe('starting');
  health.enter('draining');
  expect((await health.report()).status).toBe('draining');
});
