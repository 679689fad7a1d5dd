import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SERVICES, type Service } from '@payflow/contracts';
import { dropProvisioned } from '@payflow/database';
import { checkoutDir, programOf } from '@payflow/local-stack';
import type { ServerUrls } from './servers.js';
import { compileCache } from './service-process.js';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Databases and topics under a prefix of their own, made by the operator's own `payflow setup`, and that tool for
 * everything an operator does to a house.
 */
export class Installation {
  private constructor(
    private readonly servers: ServerUrls,
    readonly prefix: string,
    private readonly environment: NodeJS.ProcessEnv,
    readonly databaseUrls: ReadonlyMap<Service, string>,
  ) {}

  /** `access`: what the servers want of whoever connects, beside their URLs. */
  static async setUp(
    servers: ServerUrls,
    prefix: string,
    dir: string,
    access: NodeJS.ProcessEnv = {},
  ): Promise<Installation> {
    const environment = {
      ...access,
      ...compileCache(),
      PATH: process.env['PATH'],
      POSTGRES_URL: servers.postgres,
      KAFKA_BROKERS: servers.kafka,
      KAFKA_PREFIX: `${prefix}.`,
      PAYFLOW_DATABASE_PREFIX: prefix,
      PAYFLOW_STATE_DIR: join(dir, 'state'),
    };
    const lines = (await payflow(['setup'], environment)).split('\n').filter((line) => line.startsWith('{'));
    const made = lines.map((line) => JSON.parse(line) as { service: Service; env: { DATABASE_URL: string } });
    return new Installation(
      servers,
      prefix,
      environment,
      new Map(made.map(({ service, env }) => [service, env.DATABASE_URL])),
    );
  }

  get topicPrefix(): string {
    return `${this.prefix}.`;
  }

  /** Runs a command of the operator's tool against this installation and returns what it prints. */
  payflow(...args: readonly string[]): Promise<string> {
    return payflow(args, this.environment);
  }

  /** The same with more in its environment. */
  payflowWith(more: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<string> {
    return payflow(args, { ...this.environment, ...more });
  }

  databaseUrl(service: Service): string {
    const url = this.databaseUrls.get(service);
    if (!url) throw new Error(`set-up said nothing of ${service}`);
    return url;
  }

  /** For shared servers, where what is left behind would be in somebody's way. */
  async dropDatabases(): Promise<void> {
    for (const service of SERVICES) await dropProvisioned(this.servers.postgres, `${this.prefix}_${service}`);
  }
}

async function payflow(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run(process.execPath, [programOf('payflow'), ...args], {
    cwd: checkoutDir,
    env,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return stdout;
}
