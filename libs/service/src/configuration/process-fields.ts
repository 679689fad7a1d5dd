import { LOG_LEVELS, TRACE_EXPORTERS } from '@payflow/telemetry';
import { choice, port, ratio, text, url } from './kinds.js';

/** Where a process listens and what it logs: the sandbox has these and no more in common with the services. */
export function serverFields(defaultPort: number) {
  return {
    HOST: text({
      default: '127.0.0.1',
      pattern: /^[A-Za-z0-9.:_-]+$/,
      form: 'a host name or an address',
      description: 'Address to listen on; `0.0.0.0` in a container.',
    }),
    PORT: port({ default: defaultPort, description: 'Port to listen on.' }),
    LOG_LEVEL: choice(LOG_LEVELS, { default: 'info', description: 'Least level that is logged.' }),
  };
}

/** Where spans go. */
export function telemetryFields() {
  return {
    OTEL_TRACES_EXPORTER: choice(TRACE_EXPORTERS, {
      default: 'otlp',
      description: 'Where spans go; `none` records nothing.',
    }),
    OTEL_EXPORTER_OTLP_ENDPOINT: url({
      default: 'http://127.0.0.1:4318',
      protocols: ['http', 'https'],
      description: 'OTLP/HTTP collector, without `/v1/traces`.',
    }),
    OTEL_EXPORTER_JAEGER_ENDPOINT: url({
      default: 'http://127.0.0.1:14268/api/traces',
      protocols: ['http', 'https'],
      description: "Jaeger's own endpoint, for `OTEL_TRACES_EXPORTER=jaeger`.",
    }),
    OTEL_TRACES_SAMPLER_ARG: ratio({
      default: 1,
      inProduction: 0.01,
      description: 'Share of new traces that are recorded; a trace begun elsewhere follows its caller.',
    }),
  };
}
