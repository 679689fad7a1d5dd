import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, SUBSCRIPTIONS, TOPICS, type Group, type Service } from '@payflow/contracts';
import { freePorts } from '@payflow/local-stack';
import { Sandbox, uniqueSuffix, until } from '@payflow/testing';
import { Databases } from './databases.js';
import { Installation } from './installation.js';
import { Records } from './records.js';
import { scratchDir } from './scratch.js';
import { sharedServers, type ServerUrls } from './servers.js';
import { ServiceProcess, type Environment } from './service-process.js';

export interface HouseOptions {
  /** Shared ones by default. */
  readonly servers?: ServerUrls;
  /** The servers go with the house: nothing needs to be tidied up on them. */
  readonly disposable?: boolean;
  /** In the names of databases and topics, and of the folder with the logs. */
  readonly name: string;
  /** What the servers want of whoever connects, beside their URLs: for services and the operator's tool alike. */
  readonly access?: Environment;
  /** `host:port` of a streaming replica of the databases. */
  readonly replica?: string;
  /** Added to every service's environment. */
  readonly environment?: Environment;
  /** With the sandbox as the acquirer of card payments, told this: `{}`, or `SANDBOX_CHAOS` and the like. */
  readonly sandbox?: Environment;
}

const INTERNAL_SECRET = 'internal-secret-of-an-end-to-end-test';
const LOG_LEVEL = 'info';
const CAUGHT_UP_WITHIN_MS = 90_000;
const PUBLISHERS = [...new Set(Object.values(TOPICS).flatMap(({ publishers }): readonly Service[] => publishers))];

/** All five services as processes on real servers, with topics and databases of their own. */
export class House {
  readonly databases: Databases;
  readonly records: Records;
  private readonly processes: ServiceProcess[] = [];
  private kept = false;

  private constructor(
    readonly servers: ServerUrls,
    readonly installation: Installation,
    readonly dir: string,
    private readonly ports: ReadonlyMap<Service, number>,
    private readonly options: HouseOptions,
    private readonly acquirer: Sandbox | undefined,
  ) {
    this.databases = new Databases(installation, servers.postgres);
    this.records = new Records(servers.kafka, installation.topicPrefix);
  }

  /** Sets up and starts everything; resolves when each service says that it is ready. */
  static async open(options: HouseOptions): Promise<House> {
    const house = await House.setUp(options);
    try {
      await house.startServices();
      return house;
    } catch (error) {
      const told = house.failed(error);
      await house.close();
      throw told;
    }
  }

  /** Databases and topics, and no service yet. */
  static async setUp(options: HouseOptions): Promise<House> {
    const servers = options.servers ?? sharedServers();
    const id = `${options.name}_${uniqueSuffix()}`;
    const dir = scratchDir(id);
    const installation = await Installation.setUp(servers, id, dir, options.access);
    const [acquirerPort = 0, ...ports] = await freePorts(SERVICES.length + 1);
    const portOf = new Map(SERVICES.map((service, at) => [service, ports[at] ?? 0]));
    const acquirer = options.sandbox && sandboxFor(portOf.get('gateway') ?? 0, acquirerPort, dir, options.sandbox);
    return new House(servers, installation, dir, portOf, options, acquirer);
  }

  async startServices(services: readonly Service[] = SERVICES): Promise<void> {
    if (this.acquirer && !this.acquirer.isStarted) await this.acquirer.start();
    await Promise.all(services.map((service) => this.addProcess(service, this.port(service)).start()));
  }

  /** The acquirer, of a house that was opened with one. */
  get sandbox(): Sandbox {
    if (!this.acquirer) throw new Error('the house was opened without a sandbox');
    return this.acquirer;
  }

  /** The service's first process. */
  service(service: Service): ServiceProcess {
    const found = this.processes.find((process) => process.service === service);
    if (!found) throw new Error(`${service} was not started`);
    return found;
  }

  /** One more process of a service, not yet started. */
  async anotherProcess(service: Service): Promise<ServiceProcess> {
    const [port = 0] = await freePorts(1);
    return this.addProcess(service, port);
  }

  get api(): string {
    return `http://127.0.0.1:${this.port('gateway')}`;
  }

  /** Every invariant that the services declare, as `payflow verify` runs them. Throws with the offending rows. */
  verify(): Promise<void> {
    return this.verified();
  }

  /** A provider's own books against ours, as `payflow verify provider` holds them. Throws with the payments that differ. */
  verifyProvider(connector: string, within_s: number): Promise<void> {
    return this.verified('provider', '--connector', connector, '--within', String(within_s));
  }

  private async verified(...what: readonly string[]): Promise<void> {
    try {
      await this.installation.payflowWith(this.options.environment ?? {}, 'verify', ...what);
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`payflow verify: ${stdout}${stderr}`, { cause: error });
    }
  }

  /** Waits until nothing is left to send, and every reader stands at the end of its topic. Keeps the logs where it is not so in time. */
  async untilCaughtUp(within_ms = CAUGHT_UP_WITHIN_MS): Promise<void> {
    let left: readonly string[] = [];
    await until(
      () => `nothing is unsent, and every reader at the end of its topic (left: ${left.join('; ')})`,
      async () => {
        left = await this.leftToDo();
        return left.length === 0;
      },
      within_ms,
    ).catch((error: unknown) => {
      throw this.failed(error);
    });
  }

  private async leftToDo(): Promise<readonly string[]> {
    const left = await this.unsentOrUnread();
    return left.length === 0 ? [] : [...left, ...this.processes.flatMap(({ ending }) => ending ?? [])];
  }

  /** Looked at in the order of a message's way, and no further than the first place where something is left. */
  private async unsentOrUnread(): Promise<readonly string[]> {
    for (const service of PUBLISHERS) {
      const unsent = await this.databases.value(service, 'select count(*) from outbox where published_at is null');
      if (unsent !== '0') return [`${unsent} unsent by ${service}`];
    }
    for (const group of Object.keys(SUBSCRIPTIONS) as Group[]) {
      const behind = await this.behind(group);
      if (behind.length > 0) return behind;
    }
    return [];
  }

  private async behind(group: Group): Promise<readonly string[]> {
    const { service, topic } = SUBSCRIPTIONS[group];
    const rows = await this.databases.rows<{ partition: number; next_offset: string }>(
      service,
      'select partition, next_offset from positions where consumer_group = $1',
      [group],
    );
    const positions = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
    return [...(await this.records.ends(topic))]
      .map(([partition, end]) => ({ partition, end, position: positions.get(partition) ?? 0 }))
      .filter(({ position, end }) => position !== end)
      .map(({ partition, position, end }) => `${group} at ${position} of ${end} in ${topic}/${partition}`);
  }

  /**
   * The error with what the services said last: who reads the output of a run has nothing else of it. The folder with the logs is
   * left behind, for whoever looks for the cause where it happened.
   */
  failed(error: unknown): unknown {
    if (this.kept || !(error instanceof Error)) return error;
    this.kept = true;
    const told = this.processes.flatMap((process) => process.complaints);
    return Object.assign(error, { message: [error.message, ...told, `logs: ${this.dir}`].join('\n') });
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.stop()));
    await this.acquirer?.stop();
    await this.databases.close();
    if (!this.options.disposable) {
      await this.records.deleteTopics();
      await this.installation.dropDatabases();
    }
    await this.records.close();
    if (!this.kept) rmSync(this.dir, { recursive: true, force: true });
  }

  private port(service: Service): number {
    return this.ports.get(service) ?? 0;
  }

  private addProcess(service: Service, port: number): ServiceProcess {
    const count = this.processes.filter((process) => process.service === service).length;
    const process = new ServiceProcess({
      service,
      name: count === 0 ? service : `${service}-${count + 1}`,
      port,
      environment: this.environmentOf(service),
      dir: this.dir,
    });
    this.processes.push(process);
    return process;
  }

  /** What the launcher gives a service, with crash points enabled. */
  private environmentOf(service: Service): Environment {
    const urls = SERVICES.map((each) => [
      `PAYFLOW_INTERNAL_${each.toUpperCase()}_URL`,
      `http://127.0.0.1:${this.port(each)}`,
    ]);
    return {
      NODE_ENV: 'test',
      LOG_LEVEL,
      PAYFLOW_STATE_DIR: join(this.dir, 'state'),
      PAYFLOW_INTERNAL_SECRET: INTERNAL_SECRET,
      ...Object.fromEntries(urls),
      MONITORING_URL: `http://127.0.0.1:${this.port('monitoring')}`,
      KAFKA_BROKERS: this.servers.kafka,
      KAFKA_PREFIX: this.installation.topicPrefix,
      REDIS_URL: this.servers.redis,
      DATABASE_URL: this.installation.databaseUrl(service),
      OTEL_TRACES_EXPORTER: 'none',
      ...this.acquirer?.environment,
      ...replicaOf(this.installation.databaseUrl(service), this.options.replica),
      ...this.options.access,
      ...this.options.environment,
    };
  }
}

/** Tells what it does to the gateway, as the launcher lets it. */
function sandboxFor(gatewayPort: number, port: number, dir: string, environment: Environment): Sandbox {
  const webhookUrl = `http://127.0.0.1:${gatewayPort}/api/v1/provider_webhooks/cards`;
  return new Sandbox({ dir, webhookUrl, environment }, port);
}

function replicaOf(primaryUrl: string, host: string | undefined): Environment {
  return host === undefined ? {} : { DATABASE_REPLICA_URLS: Object.assign(new URL(primaryUrl), { host }).toString() };
}
