import { boolean, choice, integer, tlsFields, urls, type Values } from '@payflow/service';

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
  PAYFLOW_CORS_ORIGINS: urls({
    default: null,
    protocols: ['http', 'https'],
    check: (origin) => (new URL(origin).origin === origin ? undefined : 'must be an origin, without a path'),
    description:
      'Origins whose pages may call the API from a browser, separated by commas; unset, none may. Keys do not belong into pages: this is for those that hold the token of a signed-in user.',
  }),
  PAYFLOW_TLS_AT_PROXY: boolean({
    default: false,
    inProduction: true,
    description:
      'Whether clients reach the gateway over HTTPS although it speaks HTTP itself; answers then say, as with TLS of its own, that browsers must not come without (HSTS).',
  }),
};

/** How answers leave, and whether the way to the client is HTTPS. */
export type EdgeConfiguration = Values<typeof edgeFields> & Partial<Values<typeof tlsFields>>;

/** Whether clients come over HTTPS, here or up to a proxy. */
export function isSecured(config: EdgeConfiguration): boolean {
  return config.PAYFLOW_TLS_AT_PROXY || (config.TLS_CERTIFICATE_FILE ?? config.TLS_CERTIFICATE) !== undefined;
}
