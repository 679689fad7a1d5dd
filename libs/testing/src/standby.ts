import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  chownSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { startPostgres, type Server } from '@payflow/local-stack';
import { Client } from 'pg';

export interface StandbyOptions {
  /** The primary's superuser URL, and the folder that it was started on. */
  readonly of: { readonly url: string; readonly dir: string };
  /** The standby's own folder. */
  readonly dir: string;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** A streaming replica of a local server; started again on its port and data it goes on from where it was. */
export interface Standby {
  readonly port: number;
  /** The superuser's. */
  readonly url: string;
  /** Kills it, with everything it is at. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Stops every process of it where it stands: connections stay open, and nothing is answered until {@link resume}. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
  /** Runs one statement as superuser, such as `pg_promote()`. */
  run(text: string): Promise<void>;
}

/** Makes a streaming replica: a copy of the primary's files, taken while it runs, that follows its log from there. */
export async function startStandby({ of, dir, settings = {} }: StandbyOptions): Promise<Standby> {
  mkdirSync(dir, { recursive: true });
  const start = (port?: number): Promise<Server> => startPostgres({ dir, settings, ...(port ? { port } : {}) });
  // Where its files lie is the server's own business: an empty one tells.
  const empty = await start();
  const data = await scalar(empty.url, 'show data_directory');
  await empty.stop();
  rmSync(data, { recursive: true });
  copyFileSync(join(of.dir, 'superuser-password'), join(dir, 'superuser-password'));
  await copyCluster(of.url, data);
  let server = await start(empty.ports['postgres']);
  return {
    port: server.ports['postgres'] ?? 0,
    url: server.url,
    kill: () => server.kill(),
    restart: async () => {
      await server.exited;
      server = await start(server.ports['postgres']);
    },
    pause: () => signalAll(server.pid, 'SIGSTOP'),
    resume: () => signalAll(server.pid, 'SIGCONT'),
    stop: () => server.stop(),
    run: (text) => scalar(server.url, text).then(() => undefined),
  };
}

function signalAll(pid: number, signal: NodeJS.Signals): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  // The postmaster first: it must not make more of them meanwhile.
  process.kill(pid, signal);
  for (const child of children.map(Number)) signalIfThere(child, signal);
}

/** A child may have ended since it was counted. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function copyCluster(primaryUrl: string, target: string): Promise<void> {
  const slot = `standby_${new URL(primaryUrl).port}_${Date.now()}`;
  const client = new Client({ connectionString: primaryUrl });
  await client.connect();
  try {
    await client.query('select pg_create_physical_replication_slot($1, true)', [slot]);
    await client.query(`select pg_backup_start('standby', true)`);
    const source =
      (await client.query<{ data_directory: string }>('show data_directory')).rows[0]?.data_directory ?? '';
    execFileSync('cp', ['-a', source, target]);
    for (const left of ['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot'])
      rmSync(join(target, left), { recursive: true, force: true });
    const stopped = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    const { uid, gid } = statSync(target);
    const own = (path: string): void => chownSync(path, uid, gid);
    for (const folder of ['pg_wal', 'pg_replslot']) {
      mkdirSync(join(target, folder), { mode: 0o700 });
      own(join(target, folder));
    }
    const { hostname: host, port, username: user, password } = new URL(primaryUrl);
    appendFileSync(
      join(target, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=${host} port=${port} user=${user} password=${password}'\nprimary_slot_name = '${slot}'\n`,
    );
    for (const [file, text] of [
      ['backup_label', stopped.rows[0]?.labelfile ?? ''],
      ['standby.signal', ''],
    ] as const) {
      writeFileSync(join(target, file), text, { mode: 0o600 });
      own(join(target, file));
    }
  } finally {
    await client.end();
  }
}

async function scalar(url: string, text: string): Promise<string> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
    return String(rows[0]?.[0]);
  } finally {
    await client.end();
  }
}
