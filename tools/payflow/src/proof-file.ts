import { readFileSync } from 'node:fs';
import { faultOf, type InclusionProof } from '@payflow/ledger/proof';

/** Checks an inclusion proof offline and tells what it proves. Exits with 1 when it proves nothing. */
export function verifyProof(file: string): void {
  const proof = readProof(file);
  const fault = faultOrMalformed(proof);
  if (fault !== undefined) {
    process.stdout.write(`NOT PROVEN: ${fault}\n`);
    process.exitCode = 1;
    return;
  }
  const { transfer, in_seal, head } = proof;
  process.stdout.write(
    `proven: ${transfer.canonical}\n` +
      `  link ${transfer.position} of chain ${transfer.chain}, ${in_seal.index + 1} of ${in_seal.size} in its seal\n` +
      `  in the log of ${head.seal} seals that was signed at ${head.sealed_at} with key ${head.key_id}\n` +
      '  Whom you do not trust you ask for the key id, and for the head, by another way: they are in ledger.events too.\n',
  );
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
    return 'the file is no inclusion proof';
  }
}
