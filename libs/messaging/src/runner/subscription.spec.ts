import type { Database } from '@payflow/database';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Broker, BrokerAdmin, Consumer, ConsumerListener } from '../broker/port.js';
import type { Outbox } from '../outbox/outbox.js';
import { Subscription } from './subscription.js';
import { Suspects } from './suspects.js';

configureLogging({ level: 'silent' });

const MINUTE_MS = 60_000;

/** A broker and a database that are there or not; consumers join at once. */
class World {
  isBrokerThere = true;
  isDatabaseThere = true;
  isCoordinated = true;
  found: object[] = [];
  readonly listeners: ConsumerListener[] = [];
  readonly stopped: Consumer[] = [];
  readonly deaths: Error[] = [];

  readonly broker = {
    consumer: async () => {
      if (!this.isBrokerThere) throw new Error('no broker');
      return this.consumer();
    },
  } as unknown as Broker;

  readonly db = {
    rows: async () => {
      if (!this.isDatabaseThere) throw new Error('no database');
      return this.found;
    },
  } as unknown as Database;

  subscription(): Subscription {
    const admin = {
      leaderless: async () => [],
      coordinated: async () => (this.isCoordinated ? undefined : Promise.reject(new Error('no coordinator'))),
      brokers: async () => (this.isBrokerThere ? 1 : Promise.reject(new Error('no broker'))),
    } as unknown as BrokerAdmin;
    return new Subscription(
      'ledger.commands',
      { handle: async () => ({ messages: [] }) },
      {
        db: this.db,
        broker: this.broker,
        admin: async () => admin,
        outbox: {} as Outbox,
        partitions: 2,
        onDead: (error) => this.deaths.push(error),
        suspects: new Suspects(),
      },
    );
  }

  private consumer(): Consumer {
    const consumer: Consumer = {
      run: async (listener) => {
        this.listeners.push(listener);
        listener.onJoin([]);
      },
      pause: () => undefined,
      resume: () => undefined,
      seek: () => undefined,
      commit: async () => undefined,
      stop: async () => {
        this.stopped.push(consumer);
      },
    };
    return consumer;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a subscription', () => {
  it('waits for a broker that is not there, and joins when it comes', async () => {
    const world = new World();
    world.isBrokerThere = false;
    const subscription = world.subscription();
    const joined = subscription.start();
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
    expect(subscription.ready).toBe(false);
    expect(world.deaths).toEqual([]);
    world.isBrokerThere = true;
    await vi.advanceTimersByTimeAsync(2_000);
    await joined;
    expect(subscription.ready).toBe(true);
    await subscription.stop();
  });

  it('ends while it still waits for the broker', async () => {
    const world = new World();
    world.isBrokerThere = false;
    const subscription = world.subscription();
    const joined = subscription.start();
    await subscription.stop();
    await joined;
    world.isBrokerThere = true;
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    expect(world.listeners).toEqual([]);
  });

  it('puts a new consumer in the place of one that gave up', async () => {
    const world = new World();
    const subscription = world.subscription();
    await subscription.start();
    world.listeners[0]?.onCrash(new TypeError('inside the client'));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(world.listeners.length).toBe(2);
    await subscription.stop();
    expect(world.stopped.length).toBe(1);
  });

  it('is dead when nothing moves for a minute though broker and database are there', async () => {
    const world = new World();
    const subscription = world.subscription();
    await subscription.start();
    await vi.advanceTimersByTimeAsync(MINUTE_MS - 5_000);
    world.listeners[0]?.onHeartbeat();
    await vi.advanceTimersByTimeAsync(MINUTE_MS - 5_000);
    expect(world.deaths).toEqual([]);
    // Fetches alone are no life: who is no member of the group any more can still fetch.
    world.listeners[0]?.onFetch();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(world.deaths[0]?.message).toMatch(/no progress/);
    await subscription.stop();
  });

  it.each(['isBrokerThere', 'isCoordinated', 'isDatabaseThere'] as const)(
    'has a minute to get going again also after an outage that ends as the minute does (%s)',
    async (what) => {
      const world = new World();
      const subscription = world.subscription();
      await subscription.start();
      world[what] = false;
      await vi.advanceTimersByTimeAsync(MINUTE_MS - 2_000);
      world[what] = true;
      await vi.advanceTimersByTimeAsync(MINUTE_MS - 10_000);
      expect(world.deaths).toEqual([]);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(world.deaths[0]?.message).toMatch(/no progress/);
      await subscription.stop();
    },
  );

  it.each(['isBrokerThere', 'isCoordinated', 'isDatabaseThere'] as const)(
    'outlives any outage (%s), and has a minute to get going again after it',
    async (what) => {
      const world = new World();
      const subscription = world.subscription();
      await subscription.start();
      world[what] = false;
      await vi.advanceTimersByTimeAsync(30 * MINUTE_MS);
      world[what] = true;
      await vi.advanceTimersByTimeAsync(MINUTE_MS - 10_000);
      expect(world.deaths).toEqual([]);
      world.listeners[0]?.onHeartbeat();
      await vi.advanceTimersByTimeAsync(MINUTE_MS - 10_000);
      expect(world.deaths).toEqual([]);
      await subscription.stop();
    },
  );

  it('tells no figure of what it could not count', async () => {
    const world = new World();
    world.found = [{ count: 3 }];
    const told = async () =>
      (await renderMetrics()).body.match(/^payflow_consumer_(parked|dead|overdue)\w+\{group="ledger.commands"\} .*$/gm);
    const three = ['parked_messages', 'dead_letters', 'overdue_commands'].map(
      (figure) => `payflow_consumer_${figure}{group="ledger.commands"} 3`,
    );
    const subscription = world.subscription();
    await subscription.start();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await told()).toEqual(three);
    world.isDatabaseThere = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await told()).toBeNull();
    world.isDatabaseThere = true;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await told()).toEqual(three);
    await subscription.stop();
  });
});
