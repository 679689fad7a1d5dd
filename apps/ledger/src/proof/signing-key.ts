import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** The fixed beginning of an Ed25519 private key in PKCS #8 (RFC 8410); the 32 bytes of the seed follow. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_PURPOSE = 'payflow/ledger/seal';
const KEY_ID_LENGTH = 16;

/** The key under which the ledger's heads are signed: Ed25519, made of a secret, so that the same secret is the same key. */
export class SigningKey {
  /** The first 16 hexadecimal digits of SHA-256 over the public key. */
  readonly id: string;
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string;
  private readonly key: KeyObject;

  constructor(secret: string) {
    const seed = createHash('sha256').update(`${SEED_PURPOSE}\0${secret}`).digest();
    this.key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    this.publicKey = createPublicKey(this.key).export({ format: 'der', type: 'spki' }).toString('base64');
    this.id = keyIdOf(this.publicKey);
  }

  /** Base64. */
  sign(text: string): string {
    return sign(null, Buffer.from(text), this.key).toString('base64');
  }
}

export function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, KEY_ID_LENGTH);
}

/** Whether the signature is the public key's over the text. False also for what is no key or no signature at all. */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}
