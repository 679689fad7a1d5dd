import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Service } from '@payflow/contracts';
import { PartFailure, checkoutDir, programOf, serviceNodeArgs, startServer, type Server } from '@payflow/local-stack';
import { until } from '@payflow/testing';

export type Environment = Readonly<Record<string, string>>;
type Exit = Awaited<Server['exited']>;

export interface ServiceProcessOptions {
  readonly service: Service;
  /** Tells several processes of one service apart. */
  readonly name: string;
  readonly port: number;
  readonly environment: Environment;
  readonly dir: string;
}

const READY_WITHIN_MS = 120_000;
/** As the launcher gives them: a drain takes 14 s at most. */
const DRAIN_MS = 16_000;
const PROBE_TIMEOUT_MS = 2_500;
const LAST_WORDS_MAX = 2_000;
const WARNING = /^\{"level":"(?:warn|error|fatal)"/;
const WARNINGS_MAX = 5;
const WARNING_LENGTH_MAX = 500;

/** One service as its users run it: `node dist/<service>.mjs`, with its log in a file. */
export class ServiceProcess {
  readonly url: string;
  readonly logFile: string;
  private server: Server | undefined;
  private stopping = false;
  private died: Exit | undefined;

  constructor(private readonly options: ServiceProcessOptions) {
    this.url = `http://127.0.0.1:${options.port}`;
    this.logFile = join(options.dir, `${options.name}.log`);
    mkdirSync(dirname(this.logFile), { recursive: true });
    closeSync(openSync(this.logFile, 'a'));
  }

  get name(): string {
    return this.options.name;
  }

  get service(): Service {
    return this.options.service;
  }

  get pid(): number {
    return this.running.pid;
  }

  /** How the current process ends, whoever ends it. */
  get exited(): Promise<Exit> {
    return this.running.exited;
  }

  /** How it ended, where nobody ended it and it was not started again. */
  get ending(): string | undefined {
    return this.died && `${this.name} has ${this.toldOf(this.died)}`;
  }

  /** How it ended, where nobody ended it, and what it warned of last. */
  get complaints(): readonly string[] {
    const warnings = readFileSync(this.logFile, 'utf8')
      .split('\n')
      .filter((line) => WARNING.test(line));
    const last = warnings.slice(-WARNINGS_MAX).map((line) => `${this.name}: ${line.slice(0, WARNING_LENGTH_MAX)}`);
    return this.ending === undefined ? last : [...last, this.ending];
  }

  /** An end with the last that was logged before it: folders of a run are gone when its output is read. */
  private toldOf({ signal, code }: Exit): string {
    const lastWords = readFileSync(this.logFile, 'utf8').trimEnd().slice(-LAST_WORDS_MAX);
    return `ended with ${signal ?? code}: ${lastWords}`;
  }

  /** Starts it and waits until it says that it is ready. */
  async start(extra: Environment = {}): Promise<void> {
    await this.launch(extra);
    await this.untilReady();
  }

  /** Starts it without waiting: for a process that is meant to die soon. */
  async launch(extra: Environment = {}): Promise<void> {
    this.stopping = false;
    this.died = undefined;
    const { service, port, environment, dir } = this.options;
    this.server = await startServer({
      part: this.name,
      name: this.name,
      role: 'service',
      command: process.execPath,
      args: [...serviceNodeArgs, programOf(service)],
      cwd: checkoutDir,
      env: { ...inherited(), ...environment, PORT: String(port), ...extra },
      url: this.url,
      ports: { http: port },
      logFile: this.logFile,
      runDir: process.env['PAYFLOW_RUN_DIR'] ?? dir,
      ready: () => Promise.resolve(true),
      graceMs: DRAIN_MS,
    });
    const launched = this.server;
    void launched.exited.then((how: Exit) => {
      if (!this.stopping && this.server === launched) this.died = how;
    });
  }

  async untilReady(within_ms = READY_WITHIN_MS): Promise<void> {
    let exit: Exit | undefined;
    void this.exited.then((how) => (exit = how));
    let last = 'no answer';
    await until(
      `${this.name} is ready`,
      async () => {
        if (exit) throw new PartFailure(this.name, this.toldOf(exit), { logFile: this.logFile });
        const { status, body } = await this.probe('/readyz');
        last = body;
        return status === 200;
      },
      within_ms,
    ).catch((error: unknown) => {
      throw error instanceof PartFailure
        ? error
        : new Error(`${(error as Error).message}: ${last}; log: ${this.logFile}`);
    });
  }

  /** What a probe answers; status 0 when nobody does. */
  async probe(path: string): Promise<{ readonly status: number; readonly body: string }> {
    try {
      const answer = await fetch(this.url + path, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      return { status: answer.status, body: await answer.text() };
    } catch (error) {
      return { status: 0, body: (error as Error).message };
    }
  }

  /** SIGTERM, and waits for the drain. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.server?.stop();
  }

  /** kill -9 */
  async kill(): Promise<void> {
    this.stopping = true;
    await this.server?.kill();
  }

  /** SIGTERM without waiting for what comes of it. */
  terminate(): void {
    this.stopping = true;
    process.kill(this.pid, 'SIGTERM');
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async restart(extra: Environment = {}): Promise<void> {
    await this.stop();
    await this.start(extra);
  }

  /** Starts it again, without what armed it, each time it ends by itself, until it is stopped. Tells of each end. */
  async supervise(onEnd: (exit: Exit) => void): Promise<void> {
    const watched = this.running;
    const exit = await watched.exited;
    if (this.stopping || this.server !== watched) return;
    onEnd(exit);
    await this.launch();
    void this.supervise(onEnd);
  }

  private get running(): Server {
    if (!this.server) throw new Error(`${this.name} was never started`);
    return this.server;
  }
}

/** The caller's environment without what would speak to a service: a test run must not leak its own settings into them. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, HOME, TZ, TMPDIR } = process.env;
  return { PATH, HOME, TZ, TMPDIR, ...compileCache() };
}

/** Where a test run starts the same programs a hundred times, Node keeps what it has compiled of them. */
export function compileCache(): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
}
