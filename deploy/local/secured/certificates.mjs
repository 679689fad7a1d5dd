import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { runLogged } from '../commands.mjs';

/**
 * A private certificate authority and a certificate of its for servers on loopback, as PEM files.
 * @typedef {object} Certificates
 * @property {string} authority
 * @property {string} certificate
 * @property {string} key
 * @property {string} keyAndCertificate  both in one file, as Kafka wants them
 */

const days = '2';
const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';

/**
 * Makes them with openssl, which Node cannot do without.
 * @param {string} dir
 * @returns {Promise<Certificates>}
 */
export async function makeCertificates(dir) {
  mkdirSync(dir, { recursive: true });
  const file = (/** @type {string} */ name) => join(dir, name);
  const request = (/** @type {string} */ name, /** @type {string[]} */ ...more) =>
    runLogged({
      part: 'certificates',
      command: 'openssl',
      args: [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', days],
        ...['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), ...more],
      ],
      logFile: file('openssl.log'),
      mend: 'install openssl 3',
    });
  await request('authority', '-subj', '/CN=PayFlow test authority');
  const signed = ['-CA', file('authority.pem'), '-CAkey', file('authority.key')];
  await request('server', '-subj', '/CN=PayFlow test server', '-addext', names, ...signed);
  const [certificate, key] = [file('server.pem'), file('server.key')];
  const keyAndCertificate = file('server-key-and-certificate.pem');
  writeFileSync(keyAndCertificate, readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8'), { mode: 0o600 });
  chmodSync(key, 0o600);
  return { authority: file('authority.pem'), certificate, key, keyAndCertificate };
}
