import { Redis } from 'ioredis';
import type { OwnServer } from '../house/servers.js';
import type { SlowWay } from '../house/slow-way.js';

/** One thing that can be wrong with Redis for a while. */
export interface Trouble {
  readonly name: string;
  begin(): Promise<void>;
  end(): Promise<void>;
}

const SLOW_MS = 200;
const FLUSH_EVERY_MS = 100;
/** What is left of the user's rights: enough to be told of it, and to get the others back. */
const HARMLESS = ['+ping', '+acl', '+hello', '+client', '+info', '+config'];

/** Killed, paused, emptied again and again, full, slow, and forbidden. The services reach it by `way`, and these directly. */
export function redisTroubles(server: OwnServer, way: SlowWay): readonly Trouble[] {
  const ask = async (...[command = '', ...args]: string[]): Promise<void> => {
    const redis = new Redis(server.url, { lazyConnect: true });
    redis.on('error', () => undefined);
    await redis.connect();
    await redis.call(command, ...args).finally(() => redis.disconnect());
  };
  let flushing: NodeJS.Timeout | undefined;
  const signal = (name: NodeJS.Signals) => async () => void process.kill(server.pid, name);
  return [
    { name: 'killed', begin: () => server.kill(), end: () => server.restart() },
    { name: 'paused', begin: signal('SIGSTOP'), end: signal('SIGCONT') },
    {
      name: 'flushed',
      begin: async () => {
        flushing = setInterval(() => void ask('FLUSHALL').catch(() => undefined), FLUSH_EVERY_MS);
      },
      end: async () => clearInterval(flushing),
    },
    {
      name: 'full',
      begin: () => ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1'),
      end: () => ask('CONFIG', 'SET', 'maxmemory', '0'),
    },
    {
      name: `slow by ${SLOW_MS} ms`,
      begin: async () => void (way.delay_ms = SLOW_MS),
      end: async () => void (way.delay_ms = 0),
    },
    {
      name: 'forbidden',
      begin: () => ask('ACL', 'SETUSER', 'default', '-@all', ...HARMLESS),
      end: () => ask('ACL', 'SETUSER', 'default', '+@all'),
    },
  ];
}
