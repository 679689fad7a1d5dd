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
  readonly profile: 'durable' | 'test';
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
  stop(): Promise<void>;
}

export async function startOwnServers({ dir, profile }: OwnServersOptions): Promise<OwnServers> {
  const places = { kafka: join(dir, 'kafka'), postgres: join(dir, 'postgres'), redis: join(dir, 'redis') };
  const startBroker: Start = ({ broker, controller } = {}) =>
    startKafka({ dir: places.kafka, profile, ...(broker && controller ? { ports: { broker, controller } } : {}) });
  const startDatabase: Start = ({ postgres: port } = {}) =>
    startPostgres({ dir: places.postgres, profile, ...(port ? { port } : {}) });
  const startCache: Start = ({ redis: port } = {}) => startRedis({ dir: places.redis, ...(port ? { port } : {}) });
  const own = async (start: Start): Promise<OwnServer> => new OwnServer(await start(), start);
  const [kafka, postgres, redis] = await Promise.all([own(startBroker), own(startDatabase), own(startCache)]);
  return {
    kafka,
    postgres,
    redis,
    urls: { kafka: kafka.url, postgres: postgres.url, redis: redis.url },
    stop: async () => {
      await Promise.all([kafka.kill(), postgres.stop(), redis.stop()]);
      for (const place of Object.values(places)) removeServerFolder(place);
    },
  };
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
