import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

/**
 * Makes this process trust a private authority, given as a PEM file, as NODE_EXTRA_CA_CERTS does from a process's start on.
 * Returns what takes the trust back.
 */
export function trustAuthority(file: string): () => void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, readFileSync(file, 'utf8')]);
  return () => setDefaultCACertificates(before);
}
