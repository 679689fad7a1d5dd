import { configurationOrExit } from '@payflow/service';
import { configureLogging, flushLogs, logger, startTelemetry } from '@payflow/telemetry';
import { sandboxConfiguration } from './sandbox.config.js';
import { startSandboxServer } from './server.js';

const config = configurationOrExit(sandboxConfiguration);
configureLogging({ service: 'sandbox', level: config.LOG_LEVEL });
const isJaeger = config.OTEL_TRACES_EXPORTER === 'jaeger';
const telemetry = startTelemetry({
  service: 'sandbox',
  exporter: config.OTEL_TRACES_EXPORTER,
  endpoint: isJaeger ? config.OTEL_EXPORTER_JAEGER_ENDPOINT : config.OTEL_EXPORTER_OTLP_ENDPOINT,
  samplingRatio: config.OTEL_TRACES_SAMPLER_ARG,
});
const log = logger('main');

try {
  const sandbox = await startSandboxServer(config);
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) end(1);
      stopping = true;
      void sandbox
        .stop()
        .then(() => telemetry.shutdown())
        .then(
          () => end(0),
          (error: unknown) => end(1, error),
        );
    });
  }
} catch (error) {
  end(1, error);
}

function end(code: number, error?: unknown): never {
  if (error !== undefined) log.fatal({ err: error }, 'the sandbox has failed');
  flushLogs();
  process.exit(code);
}
