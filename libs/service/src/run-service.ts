import 'reflect-metadata';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { crashAt, type Service } from '@payflow/contracts';
import { Messaging, RunnerServer, compileSchemas } from '@payflow/messaging';
import { configureLogging, flushLogs, logger, startTelemetry, type Telemetry } from '@payflow/telemetry';
import type { FastifyInstance } from 'fastify';
import type { CommonConfiguration } from './configuration/common-fields.js';
import {
  configurationOrExit,
  exitOnConfigurationError,
  type Configuration,
  type ConfigurationOf,
} from './configuration/configuration.js';
import { attempt, Drain } from './drain.js';
import { Health } from './health.js';
import { refuseOtherMethods, rememberMethods } from './http/method-not-allowed.js';
import { rootEndpoints } from './http/root-endpoints.js';
import { forwardedReads, passOverExpectations, refuseAmbiguous, serverOptions } from './http/server-options.js';
import type { KeepsName } from './http/keeps-name.js';
import { traceRequests } from './http/server-span.js';
import type { TlsIdentity } from './http/tls.js';
import { StartUp } from './start-up.js';
import { nestLogger } from './nest-logger.js';
import { ProblemFilter } from './problem/problem.filter.js';

export interface ServiceDefinition<C extends Configuration> {
  readonly configuration: C & { readonly service: Service };
  /** The service's root module, made from its configuration. */
  readonly module: (config: ConfigurationOf<C>) => DynamicModule;
  /** Whether the gateway forwards reads to it: it then answers HTTP/2 beside HTTP/1.1, on its one port. */
  readonly forwardedReads?: boolean;
  /** Key and certificate, for a service that speaks TLS itself. */
  readonly tls?: (config: ConfigurationOf<C>) => TlsIdentity | undefined;
  /** Changes a request's URL before it is routed. */
  readonly rewriteUrl?: (url: string) => string;
  /** Whether what a caller calls a request or a trace may be written into logs and kept; where this is not said, any such text may. */
  readonly keepsName?: KeepsName;
  /** Headers of what is answered before there is a route (a path that is no text, bad HTTP), which no hook of the edge sees. */
  readonly routeless?: (config: ConfigurationOf<C>) => Readonly<Record<string, string>>;
  /** What the service adds to its HTTP edge: hooks, body parsers, pages. Runs before any route is made. */
  readonly edge?: (fastify: FastifyInstance, config: ConfigurationOf<C>) => void | Promise<void>;
  /** Runs when the modules are up and before traffic: the OpenAPI document, warming up. */
  readonly prepare?: (app: NestFastifyApplication, config: ConfigurationOf<C>) => void | Promise<void>;
}

/** A service that runs; tests stop it with `stop()`, a process by SIGTERM. */
export interface RunningService {
  readonly app: NestFastifyApplication;
  /** Drains in order and resolves when everything is closed. */
  stop(): Promise<void>;
}

const log = logger('service');

/** The whole drain; what has not ended by then is given up. */
const DRAIN_DEADLINE_MS = 14_000;
/** For requests to end after `requests` has cut their waits; the connections that remain are closed. */
const HTTP_CLOSE_DEADLINE_MS = 4_000;

/**
 * The main function of every service: configuration, telemetry, modules, consumers, HTTP, drain. Ends the process with 78
 * on a wrong configuration, with 1 when the start fails or something unforeseen is thrown, with 0 after a drain or where a signal
 * ends it before it has started.
 */
export async function runService<C extends Configuration>(definition: ServiceDefinition<C>): Promise<void> {
  const config = configurationOrExit(definition.configuration) as ConfigurationOf<C>;
  endOnTheUnforeseen();
  const started = endOnSignal();
  try {
    const running = await startService(definition, config);
    started();
    drainOnSignal(running);
  } catch (error) {
    // What only the servers could tell of the configuration.
    exitOnConfigurationError(error);
    end(1, 'the service could not start', error);
  }
}

/** {@link runService} without the process: for tests that start and stop a service inside theirs. */
export async function startService<C extends Configuration>(
  definition: ServiceDefinition<C>,
  config: ConfigurationOf<C>,
): Promise<RunningService> {
  const { service } = definition.configuration;
  const common = config as CommonConfiguration;
  configureLogging({ service, level: common.LOG_LEVEL });
  const telemetry = startTelemetry({ service, ...tracing(common) });
  const parts = { health: new Health(service), drain: new Drain(), startUp: new StartUp(common.PAYFLOW_START_UP) };
  // Since the process began: Node itself, and reading the code.
  parts.startUp.note('code', performance.now());
  const app = await createApp(definition, config, parts);
  await parts.startUp.part('http', () => app.listen({ port: common.PORT, host: common.HOST }));
  parts.health.enter('running');
  log.info({ url: await app.getUrl() }, 'listening');
  // Whoever asks the same of a probe is told of the failure too; of what was left for later, each is made when it is needed.
  tellWhenReady(service, parts).catch((error: unknown) =>
    log.warn({ err: error }, 'what follows the start did not end well'),
  );
  return { app, stop: once(() => stop(app, parts, telemetry)) };
}

/** What the modules share with whoever starts and stops them. */
interface Parts {
  readonly health: Health;
  readonly drain: Drain;
  readonly startUp: StartUp;
}

const READY_LOOK_MS = 20;
const READY_LOOK_MAX_MS = 1_000;

/** Looks until the service is ready for the first time, ever more seldom. */
async function tellWhenReady(service: Service, { health, startUp }: Parts): Promise<void> {
  for (let pause_ms = READY_LOOK_MS; !health.draining; pause_ms = Math.min(pause_ms * 1.1, READY_LOOK_MAX_MS)) {
    if ((await health.report()).status === 'ready') break;
    await delay(pause_ms, undefined, { ref: false });
  }
  if (health.draining) return;
  startUp.ready(performance.now());
  // What was left for later is made while nobody waits for it, a little at a time.
  await compileSchemas(service, () => setImmediate());
}

function tracing(config: CommonConfiguration) {
  const jaeger = config.OTEL_TRACES_EXPORTER === 'jaeger';
  return {
    exporter: config.OTEL_TRACES_EXPORTER,
    endpoint: jaeger ? config.OTEL_EXPORTER_JAEGER_ENDPOINT : config.OTEL_EXPORTER_OTLP_ENDPOINT,
    samplingRatio: config.OTEL_TRACES_SAMPLER_ARG,
  };
}

async function createApp<C extends Configuration>(
  definition: ServiceDefinition<C>,
  config: ConfigurationOf<C>,
  parts: Parts,
): Promise<NestFastifyApplication> {
  const { health, startUp } = parts;
  const { service } = definition.configuration;
  if (startUp.order === 'one_by_one')
    await startUp.part('schemas', () => compileSchemas(service, () => Promise.resolve()));

  const adapter = new FastifyAdapter({
    ...serverOptions(
      definition.rewriteUrl,
      definition.tls?.(config),
      definition.keepsName,
      definition.routeless?.(config),
    ),
    ...(definition.forwardedReads ? forwardedReads : {}),
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const methods = rememberMethods(fastify);
  traceRequests(fastify, health, definition.keepsName);
  refuseAmbiguous(fastify);
  passOverExpectations(fastify);
  rootEndpoints(fastify, health);
  await definition.edge?.(fastify, config);
  const app = await NestFactory.create<NestFastifyApplication>(rootModule(definition.module(config), parts), adapter, {
    logger: nestLogger(),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter());
  connectConsumers(app, startUp);
  await definition.prepare?.(app, config);
  await startUp.settled();
  await app.init();
  await app.startAllMicroservices();
  refuseOtherMethods(fastify, methods);
  return app;
}

@Module({})
class ServiceModule {}

function rootModule(module: DynamicModule, { health, drain, startUp }: Parts): DynamicModule {
  return {
    module: ServiceModule,
    global: true,
    providers: [
      { provide: Health, useValue: health },
      { provide: Drain, useValue: drain },
      { provide: StartUp, useValue: startUp },
    ],
    exports: [Health, Drain, StartUp],
    imports: [module],
  };
}

function connectConsumers(app: NestFastifyApplication, startUp: StartUp): void {
  const subscribed = (group: string, joined: Promise<void>) => startUp.beside(`consumer ${group}`, () => joined);
  app.connectMicroservice({ strategy: new RunnerServer(app.get(Messaging, { strict: false }), subscribed) });
}

async function stop(app: NestFastifyApplication, { health, drain }: Parts, telemetry: Telemetry): Promise<void> {
  health.enter('draining');
  log.info('draining');
  await drain.run('requests');
  await attempt('http', () => closeHttp(app));
  // Nest closes the consumers here, and then runs the modules' own shutdown hooks.
  await attempt('consumers', () => app.close());
  crashAt('shutdown-drain');
  await drain.run('flush');
  await drain.run('pools');
  await telemetry.shutdown();
  log.info('drained');
}

async function closeHttp(app: NestFastifyApplication): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const giveUp = setTimeout(() => fastify.server.closeAllConnections(), HTTP_CLOSE_DEADLINE_MS);
  await fastify.close();
  clearTimeout(giveUp);
}

/** Until it has started there is nothing to drain. The first process of a container is not ended by a signal that it does not listen to. */
function endOnSignal(): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    log.info(`${signal} before the start was over`);
    end(0);
  };
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  return () => void process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
}

function drainOnSignal(running: RunningService): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    // A second signal is somebody who does not want to wait.
    if (stopping) end(1, `${signal} while draining`);
    stopping = true;
    setTimeout(() => end(1, 'the drain took too long'), DRAIN_DEADLINE_MS).unref();
    void running.stop().then(
      () => end(0),
      (error: unknown) => end(1, 'the drain failed', error),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** After an error that nobody caught, memory may be half changed: only a new process is known to be right. */
function endOnTheUnforeseen(): void {
  process.on('uncaughtException', (error) => end(1, 'uncaught exception', error));
  process.on('unhandledRejection', (reason) => end(1, 'unhandled rejection', reason));
}

function end(code: number, message?: string, error?: unknown): never {
  if (message) log.fatal({ err: error }, message);
  flushLogs();
  process.exit(code);
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= run());
}
