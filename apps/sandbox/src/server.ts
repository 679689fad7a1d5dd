import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Health, rootEndpoints, traceRequests } from '@payflow/service';
import { logger } from '@payflow/telemetry';
import { fastify as createFastify, type FastifyInstance } from 'fastify';
import { Acquirer } from './acquirer.js';
import { actionPages } from './action-page.js';
import { merchantApi } from './api.js';
import { Desk } from './desk.js';
import { prepareEdge, requireKey, serverOptions } from './edge.js';
import { openJournal } from './journal.js';
import type { SandboxConfiguration } from './sandbox.config.js';
import { settingsOf } from './settings.js';
import { testControls } from './test-controls.js';
import { Webhooks } from './webhooks.js';

export interface RunningSandbox {
  readonly url: string;
  stop(): Promise<void>;
}

const log = logger('sandbox');

/** Starts the acquirer: its books as the journal tells them, and its server. */
export async function startSandboxServer(config: SandboxConfiguration): Promise<RunningSandbox> {
  const seed = config.SANDBOX_SEED ?? randomBytes(4).toString('hex');
  const settings = settingsOf(config);
  const server = createFastify(serverOptions);
  let url = '';
  const links = { actionUrl: (id: string) => `${config.SANDBOX_PUBLIC_URL ?? url}/actions/${id}` };
  const journal = openJournal(config.SANDBOX_JOURNAL);
  const acquirer = new Acquirer({ journal, links, authorizationValid_ms: config.SANDBOX_AUTHORIZATION_VALID });
  const webhooks = new Webhooks({
    url: config.SANDBOX_WEBHOOK_URL,
    secret: config.SANDBOX_WEBHOOK_SECRET,
    ended: (event) => acquirer.told(event),
  });
  const desk = new Desk({ acquirer, webhooks, settings, seed, links });
  const health = new Health('sandbox');
  const refusal = new Refusal(server, config);

  traceRequests(server, health);
  prepareEdge(server);
  rootEndpoints(server, health);
  await server.register(async (scope) => actionPages(scope, { acquirer, webhooks }));
  await server.register(async (scope) => {
    scope.addHook('onRequest', requireKey(config.SANDBOX_API_KEY));
    await scope.register(async (api) => merchantApi(api, { acquirer, desk, settings, links }));
    await scope.register(async (controls) =>
      testControls(controls, {
        acquirer,
        desk,
        webhooks,
        settings,
        initialSettings: { ...settings },
        refuseConnections: (for_ms) => refusal.begin(for_ms),
      }),
    );
  });
  await server.listen({ port: config.PORT, host: config.HOST });
  url = addressOf(server);
  desk.resume();
  health.enter('running');
  log.info({ url, seed, chaos: settings.chaos, operations: acquirer.operations.length }, 'listening');
  return {
    url,
    stop: async () => {
      health.enter('draining');
      desk.close();
      webhooks.close();
      await refusal.end();
      await server.close();
      journal.close();
    },
  };
}

/** A time in which nobody can connect: the port is closed, and so are the connections there were. */
class Refusal {
  private over: NodeJS.Timeout | undefined;

  constructor(
    private readonly fastify: FastifyInstance,
    private readonly config: SandboxConfiguration,
  ) {}

  begin(for_ms: number): void {
    if (this.over) return;
    const { port } = this.fastify.server.address() as AddressInfo;
    this.fastify.server.close();
    this.fastify.server.closeAllConnections();
    this.over = setTimeout(() => this.listenAgain(port), for_ms);
  }

  /** Fastify closes only what listens. */
  async end(): Promise<void> {
    if (!this.over) return;
    clearTimeout(this.over);
    this.over = undefined;
    await new Promise<void>((resolve) => this.fastify.server.listen(0, this.config.HOST, resolve));
  }

  private listenAgain(port: number): void {
    this.over = undefined;
    this.fastify.server.listen(port, this.config.HOST);
  }
}

function addressOf(server: FastifyInstance): string {
  const { address, family, port } = server.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
