import { chownSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';

import { startKafka } from '../kafka/index.mjs';
import { freePorts } from '../ports.mjs';
import { ensurePostgres, startPostgres } from '../postgres/index.mjs';
import { reachableHome } from '../postgres/user.mjs';
import { runDirFor } from '../provision.mjs';
import { ensureRedis } from '../redis/index.mjs';
import { startServer } from '../server.mjs';

export { makeCertificates } from './certificates.mjs';

/**
 * Servers as others run them: TLS with a certificate of a private authority, and a password. For tests of what our clients
 * do with that.
 * @typedef {object} SecuredOptions
 * @property {string} dir
 * @property {import('./certificates.mjs').Certificates} certificates
 * @property {string} user
 * @property {string} password
 */

const host = '127.0.0.1';

/**
 * A broker that also has a listener with SASL over TLS: PLAIN and SCRAM. `ports.secured` is that listener's, `url` still
 * the open one's.
 * @param {SecuredOptions} options
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function startSecuredKafka({ dir, certificates, user, password }) {
  const [broker = 0, controller = 0, secured = 0] = await freePorts(3);
  const listeners = `PLAINTEXT://${host}:${broker},SECURED://${host}:${secured},CONTROLLER://${host}:${controller}`;
  const login = 'org.apache.kafka.common.security';
  const server = await startKafka({
    dir,
    profile: 'test',
    ports: { broker, controller },
    scram: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => ({ mechanism, user, password })),
    settings: {
      listeners,
      'advertised.listeners': listeners,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL',
      'listener.name.secured.ssl.keystore.type': 'PEM',
      'listener.name.secured.ssl.keystore.location': certificates.keyAndCertificate,
      'listener.name.secured.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.secured.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required user_${user}="${password}";`,
      'listener.name.secured.scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
      'listener.name.secured.scram-sha-512.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
    },
  });
  return { ...server, ports: { ...server.ports, secured } };
}

/**
 * A server with `ssl = on`. Its superuser's password is its own; `url` says nothing of TLS.
 * @param {Omit<SecuredOptions, 'user' | 'password'>} options
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function startSecuredPostgres({ dir, certificates }) {
  const { user } = await ensurePostgres();
  mkdirSync(dir, { recursive: true });
  const home = reachableHome(dir, user);
  mkdirSync(home, { recursive: true });
  const [ssl_cert_file, ssl_key_file] = [join(home, 'server.pem'), join(home, 'server.key')];
  copyFileSync(certificates.certificate, ssl_cert_file);
  copyFileSync(certificates.key, ssl_key_file);
  // The server reads its key only where it alone can, and runs as somebody else where we are root.
  if (user !== undefined) for (const file of [ssl_cert_file, ssl_key_file]) chownSync(file, user.uid, user.gid);
  return startPostgres({ dir, profile: 'test', settings: { ssl: 'on', ssl_cert_file, ssl_key_file } });
}

/**
 * A server that speaks TLS alone. `url` names the user and the password.
 * @param {SecuredOptions} options
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function startSecuredRedis({ dir, certificates, user, password }) {
  const { server: command } = await ensureRedis();
  const [port = 0] = await freePorts(1);
  mkdirSync(dir, { recursive: true });
  const settings = {
    bind: host,
    port: '0',
    'tls-port': String(port),
    'tls-cert-file': certificates.certificate,
    'tls-key-file': certificates.key,
    'tls-ca-cert-file': certificates.authority,
    'tls-auth-clients': 'no',
    user: `${user} on >${password} ~* &* +@all`,
    requirepass: password,
    dir,
    save: '',
  };
  return startServer({
    part: 'Redis',
    name: 'redis-secured',
    command,
    args: Object.entries(settings).flatMap(([name, value]) => [
      `--${name}`,
      ...(name === 'user' ? value.split(' ') : [value]),
    ]),
    url: `rediss://${user}:${encodeURIComponent(password)}@${host}:${port}`,
    ports: { redis: port },
    logFile: join(dir, 'redis.log'),
    runDir: runDirFor(dir),
    ready: () => speaksTls(port),
    readyWithinMs: 15_000,
  });
}

/** @param {number} port @returns {Promise<boolean>} */
function speaksTls(port) {
  return new Promise((resolve) => {
    // Whether it is the right server is not asked here: nothing is sent.
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
