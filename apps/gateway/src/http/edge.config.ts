import { choice, integer, type Values } from '@payflow/service';

/** What the gateway's edge reads from the environment: how answers leave. */
export const edgeFields = {
  PAYFLOW_COMPRESSION: choice(['on', 'off'], {
    default: 'on',
    description: 'Whether answers are compressed by `Accept-Encoding`; `off` where a proxy in front does it.',
  }),
  PAYFLOW_COMPRESSION_BYTES_MIN: integer({
    min: 0,
    max: 1_048_576,
    default: 1_024,
    description: 'Answers with fewer bytes go out as they are.',
  }),
};

export type EdgeConfiguration = Values<typeof edgeFields>;
