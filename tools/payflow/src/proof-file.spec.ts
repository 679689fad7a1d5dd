import { hash } from 'node:crypto';
import type { InclusionProof } from '@payflow/ledger/proof';
import { describe, expect, it } from 'vitest';
import { toldProof } from './proof-file.js';

// Recorded: the two transfers of the only seal of a log, one of test mode and one that is live and backdated.
const [TRANSFER, FROM, TO] = [
  'tr_01m8d2b843ebxs5f0sh62dxw26',
  'acct_01m8d29e1zezfvdheem680ewf3',
  'acct_01m8d29e47ewhrk7y7y05ckm30',
];
const TENANT = '01a21a24-b82a-76e3-9d66-5c826049aa22';
const UUID = '01a21a25-a083-72fb-92bc-198984def046';
const ACCOUNTS = '01a21a24-b83f-77df-b6c5-cea1900771e3|01a21a24-b887-7723-899f-c7f00ac9d060';
const TEXTS = [
  `${TENANT}|false|${UUID}|1795687200250|${ACCOUNTS}|1999|USD||${UUID}|||`,
  `${TENANT}|true|${UUID}|1795687200250|${ACCOUNTS}|1999|USD||${UUID}|||1793491199999`,
];
const HASHES = [
  '661ddf4cb86af1a53765f8405d792b9d5950435ca1796c2a01ad836d7e8c4e18',
  '624806043deabb982e808f4a4fc184aaba08188b8ca79f3374b61fc838ef014e',
];
const ROOT = 'f545cfc93257a674d5590fc401cf9848019aeda32087fe3bf3b6230734ba8cbb';

function proofOf(at: 0 | 1): InclusionProof {
  const sibling = hash('sha256', Buffer.from(`00${HASHES[1 - at]}`, 'hex'), 'hex');
  return {
    format: 'payflow-inclusion-proof-v1',
    transfer: {
      chain: 3,
      position: at + 1,
      previous_hash: at === 0 ? '0'.repeat(64) : (HASHES[0] as string),
      canonical: TEXTS[at] as string,
      hash: HASHES[at] as string,
    },
    in_seal: { index: at, size: 2, path: [sibling], root: ROOT },
    in_log: { index: 0, size: 1, path: [] },
    head: {
      seal: 1,
      sealed_at: '2026-11-26T10:01:00.000Z',
      transfers: 2,
      root: ROOT,
      log_root: '1d32c705596dab72da14e59178f42b500dce75353e36cfdb0b4983f57496671b',
      chains: [{ chain: 3, position: 2, hash: HASHES[1] as string }],
      key_id: 'e53909194f2e96df',
      signature: 'Hv9npHf2evPSAoVn0w+c/ZZ4nQZ2dv14XHurGz9cZqI+NQc0efLCemgdTKNzpF8HqRHmORQkWUj+/doca53YDw==',
    },
    public_key: 'MCowBQYDK2VwAyEA+hE5U4jWhDUmxg/EHzYEGOzAmxcoPfSaCXKhwREFwdU=',
  };
}

describe('a proof, told', () => {
  it('names the transfer as the API does', () => {
    const { isProven, text } = toldProof(proofOf(0));
    expect(isProven).toBe(true);
    expect(text).toContain(`proven: ${TRANSFER}: 1999 USD, minor units, from ${FROM} to ${TO}\n`);
    expect(text).toContain('  recorded at 2026-11-26T10:00:00.250Z, in test mode\n');
    expect(text).toContain('  link 1 of its chain, in seal 1 of the 1 of the log\n');
  });

  it('says from when a backdated one is in effect', () => {
    expect(toldProof(proofOf(1)).text).toContain(
      '  recorded at 2026-11-26T10:00:00.250Z, in effect from 2026-10-31T23:59:59.999Z, live\n',
    );
  });

  it('does not repeat what nothing proves: the number of the chain', () => {
    const proof = proofOf(0);
    expect(toldProof({ ...proof, transfer: { ...proof.transfer, chain: 7 } }).text).toBe(toldProof(proof).text);
  });

  it('is held to the key that is trusted, where one is named', () => {
    expect(toldProof(proofOf(0), 'e53909194f2e96df').isProven).toBe(true);
    expect(toldProof(proofOf(0), 'e53909194f2e96de')).toEqual({
      isProven: false,
      text: 'NOT PROVEN: it is signed with key e53909194f2e96df\n',
    });
  });

  it.each<[string, unknown, string]>([
    ['nothing', null, 'the file is no inclusion proof'],
    ['a part of one', { format: 'payflow-inclusion-proof-v1', head: {} }, 'the file is no inclusion proof'],
    [
      'a refusal',
      { code: 'transfer_not_sealed' },
      'the file is no inclusion proof, but a refusal: transfer_not_sealed',
    ],
    ['another format', { ...proofOf(0), format: 'payflow-inclusion-proof-v2' }, 'the format of the proof is not known'],
  ])('is not made of %s', (_, proof, fault) => {
    expect(toldProof(proof as InclusionProof)).toEqual({ isProven: false, text: `NOT PROVEN: ${fault}\n` });
  });
});
