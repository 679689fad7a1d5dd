import { readFileSync } from 'node:fs';
import { fromUuid } from '@payflow/contracts';
import { faultOf, type InclusionProof } from '@payflow/ledger/proof';

/** How many values the text of a transfer is made of: see `CANONICAL_SQL` in the ledger's `database/chain.ts`. */
const VALUES = 13;

/** Checks an inclusion proof offline and tells what it proves. Exits with 1 when it proves nothing. `key` is the id of the only key trusted. */
export function verifyProof(file: string, key?: string): void {
  const { isProven, text } = toldProof(readProof(file), key);
  process.stdout.write(text);
  if (!isProven) process.exitCode = 1;
}

/** What the proof shows, in words: no more than its hashes and its signature bear out. */
export function toldProof(proof: InclusionProof, key?: string): { readonly isProven: boolean; readonly text: string } {
  const fault = faultOrMalformed(proof) ?? faultOfKey(proof, key);
  if (fault !== undefined) return { isProven: false, text: `NOT PROVEN: ${fault}\n` };
  const { transfer, in_log, head } = proof;
  const text =
    `proven: ${toldTransfer(transfer.canonical)}\n` +
    `  hashed as ${transfer.canonical}\n` +
    `  link ${transfer.position} of its chain, in seal ${in_log.index + 1} of the ${head.seal} of the log\n` +
    `  that was signed at ${head.sealed_at} with key ${head.key_id}\n` +
    (key === undefined
      ? '  Whom you do not trust you ask for the key id, and for the head, by another way: they are in ledger.events too.\n'
      : '');
  return { isProven: true, text };
}

/** The transfer by the names that the API gives it. What is not in today's form is left to the text itself. */
function toldTransfer(canonical: string): string {
  const values = canonical.split('|');
  if (values.length !== VALUES) return 'a transfer';
  const [, livemode, id, recordedMs, debit, credit, amount, asset, , , , , effectiveMs] = values as string[];
  const [from, to] = [debit, credit].map((uuid) => fromUuid('account', uuid as string));
  const effective = effectiveMs === '' ? '' : `, in effect from ${instant(effectiveMs)}`;
  return (
    `${fromUuid('transfer', id as string)}: ${amount} ${asset}, minor units, from ${from} to ${to}\n` +
    `  recorded at ${instant(recordedMs)}${effective}, ${livemode === 'true' ? 'live' : 'in test mode'}`
  );
}

function instant(milliseconds: string | undefined): string {
  return new Date(Number(milliseconds)).toISOString();
}

/** Anybody can keep a log of their own and sign it: whose it is, the key tells. */
function faultOfKey({ head }: InclusionProof, key: string | undefined): string | undefined {
  return key === undefined || head.key_id === key ? undefined : `it is signed with key ${head.key_id}`;
}

function readProof(file: string): InclusionProof {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8');
  try {
    return JSON.parse(text) as InclusionProof;
  } catch {
    throw new Error('the proof is not JSON');
  }
}

/** A proof comes from outside: whatever is missing in it proves nothing. */
function faultOrMalformed(proof: InclusionProof): string | undefined {
  try {
    return faultOf(proof);
  } catch {
    const code = (proof as { readonly code?: unknown } | null)?.code;
    // What was kept for a proof is often the API's refusal, a minute too early.
    return `the file is no inclusion proof${typeof code === 'string' ? `, but a refusal: ${code}` : ''}`;
  }
}
