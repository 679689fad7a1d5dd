import type { LedgerSealed } from '@payflow/contracts';
import { isSignedBy, type SigningKey } from './signing-key.js';

const FORMAT = 'payflow-ledger-seal-v1';

export type UnsignedHead = Omit<LedgerSealed, 'key_id' | 'signature'>;

/** What is signed: every field on a line of its own, in a fixed order. */
function signedText(head: UnsignedHead, keyId: string): string {
  const chains = head.chains.map(({ chain, position, hash }) => `${chain}:${position}:${hash}`).join(',');
  const { seal, sealed_at, transfers, root, log_root } = head;
  return [FORMAT, seal, sealed_at, transfers, root, log_root, chains, keyId].join('\n');
}

export function signedHead(head: UnsignedHead, key: SigningKey): LedgerSealed {
  return { ...head, key_id: key.id, signature: key.sign(signedText(head, key.id)) };
}

export function isHeadSignedBy(publicKey: string, { key_id, signature, ...head }: LedgerSealed): boolean {
  return isSignedBy(publicKey, signedText(head, key_id), signature);
}
