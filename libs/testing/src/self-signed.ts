import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key and a certificate that signs itself, as PEM. */
export interface SelfSigned {
  readonly key: string;
  readonly certificate: string;
}

const HOUR_MS = 3_600_000;
/** DER tags and object identifiers (X.690, RFC 5280, RFC 5758). */
const [INTEGER, BITS, OCTETS, UTF8, TIME, SEQUENCE, SET] = [0x02, 0x03, 0x04, 0x0c, 0x17, 0x30, 0x31];
const OID = { ecdsaWithSha256: '06082a8648ce3d040302', commonName: '0603550403', subjectAltName: '0603551d11' };

/** A certificate for `localhost` and 127.0.0.1, valid from an hour ago until `validFor_ms` from now. */
export function selfSigned(validFor_ms = HOUR_MS): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, hex(OID.ecdsaWithSha256));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, hex(OID.commonName), der(UTF8, Buffer.from('localhost')))));
  const names = der(SEQUENCE, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])));
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    der(SEQUENCE, time(Date.now() - HOUR_MS), time(Date.now() + validFor_ms)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, der(SEQUENCE, hex(OID.subjectAltName), der(OCTETS, names)))),
  );
  const signature = der(BITS, Buffer.from([0]), sign('sha256', body, privateKey));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: pem(der(SEQUENCE, body, algorithm, signature)),
  };
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/\D/g, '').slice(2, 14);
  return der(TIME, Buffer.from(`${digits}Z`));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
