import { join } from 'node:path';
import {
  removeServerFolder,
  startKafka,
  startKafkaCluster,
  startPostgres,
  startRedis,
  type KafkaCluster,
  type Server,
} from '@payflow/local-stack';
import { testServers } from '@payflow/testing';
import { Redis } from 'ioredis';

/** Where a house finds its servers. */
export interface ServerUrls {
  readonly kafka: string;
  /** The superuser's. */
  readonly postgres: string;
  readonly redis: string;
}

/** The servers of `npm test`, which many share and nobody harms. */
export function sharedServers(): ServerUrls {
  const { kafka, postgres, redis } = testServers();
  return { kafka: kafka.join(','), postgres, redis };
}

export interface OwnServersOptions {
  readonly dir: string;
  /** Kafka's: `test` is back sooner after a kill -9. PostgreSQL is durable either way, or what it acknowledged would not count. */
  readonly profile: 'durable' | 'test';
  /** PostgreSQL's, beside those of every local server. */
  readonly settings?: Readonly<Record<string, string>>;
}

type Start = (ports?: Server['ports']) => Promise<Server>;

/** One server that can be killed and started again on its port and data. */
export class OwnServer {
  constructor(
    private current: Server,
    private readonly startAgain: Start,
  ) {}

  get url(): string {
    return this.current.url;
  }

  get pid(): number {
    return this.current.pid;
  }

  get ports(): Server['ports'] {
    return this.current.ports;
  }

  kill(): Promise<void> {
    return this.current.kill();
  }

  stop(): Promise<void> {
    return this.current.stop();
  }

  async restart(): Promise<void> {
    await this.current.exited;
    this.current = await this.startAgain(this.current.ports);
  }
}

/** A house's own servers, for scenarios that kill them. */
export interface OwnServers {
  readonly kafka: OwnServer;
  readonly postgres: OwnServer;
  readonly redis: OwnServer;
  readonly urls: ServerUrls;
  flushRedis(): Promise<void>;
  stop(): Promise<void>;
}

export async function startOwnServers({ dir, profile, settings = {} }: OwnServersOptions): Promise<OwnServers> {
  const places = { kafka: join(dir, 'kafka'), postgres: join(dir, 'postgres'), redis: join(dir, 'redis') };
  const startBroker: Start = ({ broker, controller } = {}) =>
    startKafka({ dir: places.kafka, profile, ...(broker && controller ? { ports: { broker, controller } } : {}) });
  const startDatabase: Start = ({ postgres: port } = {}) =>
    startPostgres({ dir: places.postgres, profile: 'durable', settings, ...(port ? { port } : {}) });
  const startCache: Start = ({ redis: port } = {}) => startRedis({ dir: places.redis, ...(port ? { port } : {}) });
  const own = async (start: Start): Promise<OwnServer> => new OwnServer(await start(), start);
  const started = await Promise.allSettled([own(startBroker), own(startDatabase), own(startCache)]);
  const running = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
    for (const place of Object.values(places)) removeServerFolder(place);
  };
  const [kafka, postgres, redis] = running;
  if (!kafka || !postgres || !redis) {
    await stop();
    throw (started.find(({ status }) => status === 'rejected') as PromiseRejectedResult).reason;
  }
  return {
    kafka,
    postgres,
    redis,
    urls: { kafka: kafka.url, postgres: postgres.url, redis: redis.url },
    flushRedis: () => flush(redis.url),
    stop,
  };
}

async function flush(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true });
  await redis.connect();
  await redis.flushall();
  redis.disconnect();
}

/** Three brokers, replication 3, two in sync. */
export async function startCluster(dir: string): Promise<{ readonly cluster: KafkaCluster; stop(): Promise<void> }> {
  const place = join(dir, 'kafka-cluster');
  const cluster = await startKafkaCluster({ dir: place, brokers: 3, profile: 'test' });
  return {
    cluster,
    stop: async () => {
      await cluster.kill();
      removeServerFolder(place);
    },
  };
}
