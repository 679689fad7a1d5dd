import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { Module } from '@nestjs/common';
import type { AnyMessage, Refusable } from '@payflow/contracts';
import type { Database, Transaction } from '@payflow/database';
import { expect, it } from 'vitest';
import type { Broker } from '../broker/port.js';
import { Messaging } from '../messaging.js';
import type { Handled, SubscriptionHandlers } from '../runner/handler.js';
import { Begun, Consumes, Discards, Known, Refuses } from './consumes.js';
import { RunnerServer } from './runner-server.js';

const seen: unknown[] = [];

@Controller()
class Commands {
  @Consumes('payments.commands')
  async handle(@Payload() messages: readonly AnyMessage[], @Ctx() tx: Transaction): Promise<Handled> {
    seen.push(['handle', messages, tx]);
    if (messages.length === 0) throw Object.assign(new Error('check'), { code: '23514', constraint: 'spec' });
    return { messages: [], repeated: ['a'] };
  }

  @Discards('payments.commands')
  async discard(@Payload() messages: readonly AnyMessage[], @Ctx() tx: Transaction): Promise<Handled> {
    seen.push(['discard', messages, tx]);
    return { messages: [] };
  }

  @Refuses('payments.commands')
  async refuse(@Payload() commands: readonly Refusable[], @Ctx() tx: Transaction): Promise<Handled> {
    seen.push(['refuse', commands, tx]);
    return { messages: [], repeated: ['b'] };
  }

  @Known('payments.commands')
  async known(@Payload() messages: readonly AnyMessage[]): Promise<readonly string[]> {
    return messages.slice(1).map(({ id }) => id);
  }

  @Begun('payments.commands')
  async begun(@Payload() messages: readonly AnyMessage[]): Promise<readonly AnyMessage[]> {
    return messages.slice(0, 1);
  }
}

@Module({ controllers: [Commands] })
class SpecModule {}

it('hands the methods of a controller to the runner, with their arguments, their results and their errors as they are', async () => {
  const subscribed = new Map<string, SubscriptionHandlers>();
  let closed = false;
  const messaging = {
    subscribe: async (group: string, handlers: SubscriptionHandlers) => void subscribed.set(group, handlers),
    close: async () => {
      closed = true;
    },
  } as unknown as Messaging;
  const app = await NestFactory.createMicroservice(SpecModule, {
    strategy: new RunnerServer(messaging),
    logger: false,
  });
  await app.listen();
  const handlers = subscribed.get('payments.commands') as SubscriptionHandlers;
  expect([...subscribed.keys()]).toEqual(['payments.commands']);

  const messages = [{ id: 'a' }, { id: 'b' }] as unknown as AnyMessage[];
  const tx = { is: 'the transaction' } as unknown as Transaction;
  expect(await handlers.handle(messages, tx)).toEqual({ messages: [], repeated: ['a'] });
  expect(await handlers.discard?.(messages, tx)).toEqual({ messages: [] });
  expect(await handlers.refuse?.(messages as unknown as Refusable[], tx)).toEqual({ messages: [], repeated: ['b'] });
  expect(await handlers.known?.(messages, tx)).toEqual(['b']);
  expect(await handlers.begun?.(messages, tx)).toEqual([messages[0]]);
  expect(seen).toEqual([
    ['handle', messages, tx],
    ['discard', messages, tx],
    ['refuse', messages, tx],
  ]);
  await expect(handlers.handle([], tx)).rejects.toMatchObject({ code: '23514', constraint: 'spec' });
  await app.close();
  expect(closed).toBe(true);
});

it.each([
  ['waits for the join', (joined: Promise<void>) => joined],
  ['does not wait for the join', async (joined: Promise<void>) => void joined.catch(() => undefined)],
])('fails the start where a subscription cannot be made and the start %s', async (_how, subscribed) => {
  const database = {
    for(purpose: string): Database {
      if (purpose === 'consumers') throw new Error('no connections for consumers');
      return this as unknown as Database;
    },
  } as unknown as Database;
  const broker: Broker = {
    producer: () => Promise.reject(new Error('no broker here')),
    consumer: () => Promise.reject(new Error('no broker here')),
    admin: () => Promise.reject(new Error('no broker here')),
  };
  const messaging = new Messaging({ broker, database, partitions: 'single' });
  const app = await NestFactory.createMicroservice(SpecModule, {
    strategy: new RunnerServer(messaging, (_group, joined) => subscribed(joined)),
    logger: false,
  });
  await expect(app.listen()).rejects.toThrow('no connections for consumers');
});
