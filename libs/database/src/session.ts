import { Client } from 'pg';
import type { Statement } from './statement.js';
import type { Row } from './transaction.js';

/** A server that says nothing for so long beyond what it may wait is gone with its machine or its network: the connection is dropped. */
const SILENCE_MS = 1_000;

export interface SessionOptions {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** How long a statement may wait for a lock, ms. */
  readonly lockTimeout_ms: number;
  /** Hears what others on the database say on the channels that the session listens to, and not what it says itself. */
  readonly onNotice: (text: string) => void;
  /** The connection is gone, and with it the session's locks and all that was said meanwhile. */
  readonly onLost: () => void;
}

/**
 * A connection outside the pools, for what belongs to a session: locks that outlive transactions, and notices. What it commits may
 * be lost with the server, so it is nothing to keep books with. Statements are pipelined, each in a transaction of its own.
 */
export class Session {
  private constructor(private readonly client: Client) {}

  static async open(options: SessionOptions): Promise<Session> {
    const { lockTimeout_ms, onNotice, onLost } = options;
    const client = new Client({
      connectionString: options.url,
      application_name: options.applicationName,
      pipeline: true,
      keepAlive: true,
      lock_timeout: lockTimeout_ms,
      query_timeout: lockTimeout_ms + SILENCE_MS,
    });
    client.on('error', () => undefined);
    client.on('end', onLost);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    client.on('notification', ({ processId, payload = '' }) => {
      if (processId !== rows[0]?.pid) onNotice(payload);
    });
    await client.query('set synchronous_commit = off');
    return new Session(client);
  }

  async listen(channel: string): Promise<void> {
    await this.client.query(`listen ${this.client.escapeIdentifier(channel)}`);
  }

  async rows<R extends object = Row>({ name, text }: Statement, values: readonly unknown[] = []): Promise<R[]> {
    return (await this.client.query({ name, text, values: [...values] })).rows as R[];
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }
}
