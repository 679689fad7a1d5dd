import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Rule } from '../configuration/configuration.js';
import type { Values } from '../configuration/field.js';
import { credential, text } from '../configuration/kinds.js';

/** Key and certificates of a server, as PEM. */
export interface TlsIdentity {
  readonly key: string;
  /** The server's own first, then those that lead to one that its clients know. */
  readonly cert: string;
}

/** Older versions have known weaknesses, and no client that is still looked after needs them. */
const TLS_VERSION_MIN = 'TLSv1.2';

/** Variables of a service that speaks TLS itself; with none of them it does not. */
export const tlsFields = {
  TLS_CERTIFICATE_FILE: text({
    default: null,
    description: 'PEM file with the certificate to serve HTTPS with, and those that lead to its authority.',
  }),
  TLS_KEY_FILE: text({ default: null, description: 'PEM file with the private key of `TLS_CERTIFICATE_FILE`.' }),
  TLS_CERTIFICATE: text({
    default: null,
    description: 'The certificates themselves instead of a file, with `\\n` for each end of a line.',
  }),
  TLS_KEY: credential({
    default: null,
    description: 'The private key itself instead of a file, with `\\n` for each end of a line.',
  }),
};

type TlsConfiguration = Values<typeof tlsFields>;

/** What is given must be whole, readable, one pair, and not over: found out before the service starts. */
export const tlsRule: Rule = (values) => {
  const config = values as unknown as TlsConfiguration;
  const { TLS_CERTIFICATE_FILE, TLS_KEY_FILE, TLS_CERTIFICATE, TLS_KEY } = config;
  const [byFile, byText] = [TLS_CERTIFICATE_FILE ?? TLS_KEY_FILE, TLS_CERTIFICATE ?? TLS_KEY];
  if (byFile !== undefined && byText !== undefined)
    return 'TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or TLS_CERTIFICATE and TLS_KEY, must be set, not both';
  if (byFile !== undefined && (!TLS_CERTIFICATE_FILE || !TLS_KEY_FILE))
    return 'TLS_CERTIFICATE_FILE and TLS_KEY_FILE must be set together';
  if (byText !== undefined && (!TLS_CERTIFICATE || !TLS_KEY)) return 'TLS_CERTIFICATE and TLS_KEY must be set together';
  return byFile === undefined && byText === undefined ? undefined : problemOf(config);
};

/** The identity that the variables give, or undefined where there is none. */
export function tlsIdentity(config: TlsConfiguration): TlsIdentity | undefined {
  const { TLS_CERTIFICATE_FILE, TLS_KEY_FILE, TLS_CERTIFICATE, TLS_KEY } = config;
  if (TLS_CERTIFICATE_FILE && TLS_KEY_FILE)
    return { key: readFileSync(TLS_KEY_FILE, 'utf8'), cert: readFileSync(TLS_CERTIFICATE_FILE, 'utf8') };
  if (TLS_CERTIFICATE && TLS_KEY) return { key: withLines(TLS_KEY), cert: withLines(TLS_CERTIFICATE) };
  return undefined;
}

/** What Node's server makes of an identity. */
export function tlsServerOptions({ key, cert }: TlsIdentity) {
  return { key, cert, minVersion: TLS_VERSION_MIN, ALPNProtocols: ['http/1.1'] } as const;
}

/** Says what is wrong, and nothing of what was given. */
function problemOf(config: TlsConfiguration): string | undefined {
  let identity: TlsIdentity | undefined;
  try {
    identity = tlsIdentity(config);
  } catch (error) {
    return `the files of TLS_CERTIFICATE_FILE and TLS_KEY_FILE cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
  if (!identity) return undefined;
  try {
    createSecureContext({ ...identity, minVersion: TLS_VERSION_MIN });
    const { validToDate } = new X509Certificate(identity.cert);
    return validToDate.getTime() < Date.now() ? `the TLS certificate ended on ${validToDate.toISOString()}` : undefined;
  } catch (error) {
    return `the TLS key and certificate cannot be used (${(error as NodeJS.ErrnoException).code ?? 'not PEM'})`;
  }
}

function withLines(pem: string): string {
  return pem.replaceAll('\\n', '\n');
}
