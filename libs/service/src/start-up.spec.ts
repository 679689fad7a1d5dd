import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import { StartUp } from './start-up.js';

/** Two parts beside each other, and in which order they begin and end. */
async function traced(startUp: StartUp): Promise<string[]> {
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(`${name} ends`);
  };
  await startUp.beside('pool', work('pool'));
  await startUp.beside('partitions', work('partitions'));
  await startUp.settled();
  return order;
}

it('starts parts side by side, and waits for all of them at the end', async () => {
  expect(await traced(new StartUp('parallel'))).toEqual([
    'pool begins',
    'partitions begins',
    'pool ends',
    'partitions ends',
  ]);
});

it('starts one after the other where that is asked for', async () => {
  expect(await traced(new StartUp('one_by_one'))).toEqual([
    'pool begins',
    'pool ends',
    'partitions begins',
    'partitions ends',
  ]);
});

it.each(['parallel', 'one_by_one'] as const)('fails with the error of the part that failed, %s', async (order) => {
  const startUp = new StartUp(order);
  const start = async () => {
    await startUp.beside('partitions', () => Promise.reject(new Error('no partitions')));
    await startUp.settled();
  };
  await expect(start()).rejects.toThrow('no partitions');
  await expect(startUp.part('database', () => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
});

it('tells what each part took and when the service was ready', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'info', stream: { write: (line) => void lines.push(line) } });
  const startUp = new StartUp();
  startUp.note('code', 900.4);
  startUp.ready(1_500.2);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    msg: 'ready',
    ready_ms: 1_500,
    order: 'parallel',
    parts_ms: { code: 900 },
  });
  const { body } = await renderMetrics();
  expect(body).toContain('payflow_start_up_seconds{part="ready"} 1.5002');
  expect(body).toContain('payflow_start_up_seconds{part="code"} 0.9004');
});
