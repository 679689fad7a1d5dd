import { expect, it } from 'vitest';
import { consumerOptions, withHeadStart } from './head-start.js';
import type { Broker, Consumer, Producer } from './port.js';

/** A broker that tells what is asked of it; `fails`: its first connections. */
function toldBroker(fails = 0) {
  const told: string[] = [];
  const connect = async <T>(what: string, made: object): Promise<T> => {
    told.push(what);
    if (told.length <= fails) throw new Error('away');
    return made as T;
  };
  const broker: Broker = {
    producer: () => connect<Producer>('producer', { close: async () => void told.push('producer closed') }),
    consumer: ({ group }) => connect<Consumer>(group, { stop: async () => void told.push(`${group} stopped`) }),
    admin: () => Promise.reject(new Error('unused')),
  };
  return { broker, told };
}

it('connects at once, each once, and hands out what it has', async () => {
  const { broker, told } = toldBroker();
  const early = withHeadStart(broker, 'payments', 'single');
  expect(told).toEqual(['producer', 'payments.commands', 'payments.verdicts']);
  await early.producer();
  await early.consumer(consumerOptions('payments.commands', 2));
  expect(told).toHaveLength(3);
  await early.producer();
  expect(told.at(-1)).toBe('producer');
});

it('tells the first who asks that it failed, and connects anew for the next', async () => {
  const { broker } = toldBroker(3);
  const early = withHeadStart(broker, 'payments', 'single');
  const options = consumerOptions('payments.commands', 2);
  await expect(early.consumer(options)).rejects.toThrow('away');
  expect(await early.consumer(options)).toBeDefined();
});

it('closes what nobody asked for, and nothing else', async () => {
  const { broker, told } = toldBroker();
  const early = withHeadStart(broker, 'payments', 'single');
  await early.producer();
  await early.discard();
  expect(told.slice(3)).toEqual(['payments.commands stopped', 'payments.verdicts stopped']);
});
