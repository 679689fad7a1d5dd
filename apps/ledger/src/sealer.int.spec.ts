import { newId, uuidOf, type LedgerSealed } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariants } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { costOf, createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CANONICAL_SQL } from './database/chain.js';
import { migrations } from './database/index.js';
import { invariants } from './database/invariants.js';
import { LINK } from './database/proof.repository.js';
import type { LedgerCommand } from './domain/decide.js';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { faultOf, linkHash, type InclusionProof } from './proof/inclusion-proof.js';
import { leafHash } from './proof/merkle.js';
import { prove } from './proof/prove.js';
import { brokenSeals } from './proof/seal-audit.js';
import { SigningKey } from './proof/signing-key.js';
import { Sealer } from './sealer.js';
import { CommandsOf, onAnotherChainThan } from './testing/commands.js';

const ours = new CommandsOf();
const [world, wallet] = [newId('account'), newId('account')];

let db: TestDatabase;
let messaging: Messaging;
let sealer: Sealer;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  // Never started: what is published stays in the outbox.
  messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  sealer = new Sealer(db.database, messaging, new SigningKey('one secret'));
  await handle(ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet));
});
afterAll(() => db.drop());

const handle = (...commands: readonly LedgerCommand[]) =>
  db.database.transaction((tx) => new LedgerCommandsHandler().handle(commands, tx));

async function moved(count: number): Promise<string[]> {
  const commands = Array.from({ length: count }, () => ours.transfer(world, wallet, '5'));
  for (let at = 0; at < count; at += 3) await handle(...commands.slice(at, at + 3));
  return commands.map(({ data }) => data.id);
}

/** The horizon is the server's: transactions of other specs hold it back as long as they are open. */
async function sealedAll(total: number): Promise<LedgerSealed> {
  let head: LedgerSealed | undefined;
  const SEALED = statement(
    'spec.sealed',
    `select coalesce(sum((head ->> 'transfers')::integer), 0)::integer as sealed from seals`,
  );
  await until('everything is sealed', async () => {
    head = (await sealer.seal()) ?? head;
    return (await db.database.rows<{ sealed: number }>(SEALED))[0]?.sealed === total;
  });
  const [row] = await db.database.rows<{ head: LedgerSealed }>(
    statement('spec.head', 'select head from seals order by seal desc limit 1'),
  );
  return row?.head as LedgerSealed;
}

async function proofOf(transfer: string): Promise<InclusionProof> {
  const key = { tenant: uuidOf('tenant', ours.tenant), livemode: false, transfer: uuidOf('transfer', transfer) };
  const proving = await prove(db.database, key);
  if (proving.kind !== 'proven') throw new Error(proving.kind);
  return proving.proof;
}

describe('a sealed history', () => {
  let early: string[];
  let late: string[];
  let head: LedgerSealed;
  beforeAll(async () => {
    early = await moved(7);
    await sealedAll(7);
    late = await moved(5);
    head = await sealedAll(12);
  });

  it('proves each of its transfers to whoever has the head, and nothing else', async () => {
    for (const transfer of [...early, ...late]) expect(faultOf(await proofOf(transfer))).toBeUndefined();
  });

  it('is published with its signed head', async () => {
    const SENT = statement(
      'spec.sent',
      `select m ->> 'value' as value from outbox, json_array_elements(messages::json) as m
       where m -> 'message' ->> 'type' = 'payflow.ledger.sealed.v1' order by created_at desc limit 1`,
    );
    const [sent] = await db.database.rows<{ value: string }>(SENT);
    expect(JSON.parse(sent?.value ?? '{}')).toEqual(head);
    expect(head.chains.reduce((sum, { position }) => sum + position, 0)).toBe(12);
  });

  it('seals nothing where nothing is new', async () => {
    expect(await sealer.seal()).toBeUndefined();
  });

  it.each<[string, (proof: InclusionProof) => InclusionProof, string]>([
    [
      'another amount',
      (proof) => ({
        ...proof,
        transfer: { ...proof.transfer, canonical: proof.transfer.canonical.replace('|5|', '|6|') },
      }),
      'the transfer is not what its hash was taken over',
    ],
    [
      'another place',
      (proof) => ({ ...proof, in_seal: { ...proof.in_seal, index: proof.in_seal.index === 0 ? 1 : 0 } }),
      'the transfer is not in the seal',
    ],
    [
      'a transfer of its own behind a sibling that holds both halves of a node of the seal',
      (proof) => {
        const { path, index } = proof.in_seal;
        const own = leafHash(proof.transfer.hash);
        const halves = index % 2 === 0 ? `${own}${path[0]}` : `${path[0]}${own}`;
        const canonical = proof.transfer.canonical.replace('|5|', '|5000|');
        const hash = linkHash(proof.transfer.previous_hash, proof.transfer.position, canonical);
        return {
          ...proof,
          transfer: { ...proof.transfer, canonical, hash },
          in_seal: {
            ...proof.in_seal,
            index: index % 2 === 0 ? index + 1 : index,
            path: [`${halves}.`, ...path.slice(1)],
          },
        };
      },
      'the transfer is not in the seal',
    ],
    [
      'a text that is divided elsewhere',
      (proof) => {
        const { previous_hash, position, canonical } = proof.transfer;
        const [first = '', ...rest] = canonical.split('|');
        const shifted = { previous_hash: `${previous_hash}|${position}`, canonical: rest.join('|') };
        return { ...proof, transfer: { ...proof.transfer, ...shifted, position: first as unknown as number } };
      },
      'the transfer is not what its hash was taken over',
    ],
    [
      'another root',
      (proof) => ({ ...proof, head: { ...proof.head, log_root: 'ab'.repeat(32) } }),
      'the seal is not in the log',
    ],
    [
      'a later time',
      (proof) => ({ ...proof, head: { ...proof.head, sealed_at: '2099-01-01T00:00:00.000Z' } }),
      "the head's signature is not the key's",
    ],
    [
      'a key of their own',
      (proof) => ({ ...proof, public_key: new SigningKey('another secret').publicKey }),
      'the key is not the one that the head names',
    ],
  ])('does not prove %s', async (_, forge, fault) => {
    expect(faultOf(forge(await proofOf(early[2] as string)))).toBe(fault);
  });

  it('does not prove a row that was changed after it was sealed', async () => {
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    try {
      await admin.query('set session_replication_role = replica');
      await admin.query('update transfers set amount_minor = 6 where id = $1', [uuidOf('transfer', late[1] as string)]);
      expect(faultOf(await proofOf(late[1] as string))).toBe('the transfer is not what its hash was taken over');
      expect(faultOf(await proofOf(late[0] as string))).toBeUndefined();
      await admin.query('update transfers set amount_minor = 5 where id = $1', [uuidOf('transfer', late[1] as string)]);
    } finally {
      await admin.end();
    }
  });

  it('goes on under a new key, and what the old one signed stays proven', async () => {
    const before = await proofOf(early[0] as string);
    sealer = new Sealer(db.database, messaging, new SigningKey('a new secret'));
    await moved(1);
    const next = await sealedAll(13);
    expect(next.key_id).not.toBe(head.key_id);
    expect(faultOf(before)).toBeUndefined();
    expect(faultOf(await proofOf(early[0] as string))).toBeUndefined();
  });

  it('agrees with the transfers that it was signed over, whichever key signed', async () => {
    expect(await brokenSeals(db.database)).toEqual([]);
  });

  it('is signed by the keys that are known from elsewhere, or by one that was put there', async () => {
    const [known, put] = ['one secret', 'a new secret'].map((secret) => new SigningKey(secret).id) as [string, string];
    expect(await brokenSeals(db.database, [known, put])).toEqual([]);
    expect(await brokenSeals(db.database, [known])).toEqual([expect.stringMatching(/^seals\/\d+ is signed by /)]);
  });

  describe('and a superuser who makes the chains agree with what he has changed', () => {
    let admin: Client;
    beforeAll(async () => {
      admin = new Client({ connectionString: db.adminUrl });
      await admin.connect();
    });
    afterAll(() => admin.end());

    /** Tries the change, takes it back, and tells which invariants and which seals were found broken. */
    async function found(change: string): Promise<readonly [string[], string[]]> {
      const copies = ['transfers', 'chains', 'seals', 'signing_keys'];
      await admin.query('set session_replication_role = replica');
      for (const table of copies) await admin.query(`create temp table kept_${table} as table ${table}`);
      try {
        await admin.query(change);
        const chains = await checkInvariants(
          db.database,
          invariants.filter(({ name }) => name === 'I7'),
        );
        return [chains.flatMap(({ sample }) => sample), await brokenSeals(db.database)];
      } finally {
        for (const table of copies) {
          await admin.query(
            `delete from ${table}; insert into ${table} select * from kept_${table}; drop table kept_${table}`,
          );
        }
      }
    }

    /** Another amount in the last link of the longest chain, which is all that has to be hashed anew then. */
    const REWRITTEN = `
      update transfers set amount_minor = 500 where (chain, chain_position) = (select chain, position from chains order by position desc limit 1);
      update transfers t set chain_hash = sha256(convert_to(encode(p.chain_hash, 'hex') || '|' || t.chain_position || '|' || ${CANONICAL_SQL}, 'UTF8'))
        from transfers p where t.amount_minor = 500 and p.chain = t.chain and p.chain_position = t.chain_position - 1;
      update chains c set hash = t.chain_hash from transfers t where t.amount_minor = 500 and t.chain = c.chain`;

    it('is found by what was signed, though the chains are whole', async () => {
      const [chains, seals] = await found(REWRITTEN);
      expect(chains).toEqual([]);
      expect(seals).toEqual([expect.stringMatching(/^seals\/\d+ was signed over other transfers$/)]);
    });

    it.each<[string, string, string]>([
      ['takes a seal out', 'delete from seals where seal = 1', 'seals/2 does not follow on the one before'],
      [
        'puts another head in',
        `update seals set head = jsonb_set(head::jsonb, '{sealed_at}', '"2099-01-01T00:00:00.000Z"')::json where seal = 2`,
        'seals/2 is not signed by its key',
      ],
      [
        "signs with a key under another one's name",
        `update signing_keys set public_key = '${new SigningKey('of his own').publicKey}' where id = (select key_id from seals where seal = 2)`,
        'seals/2 is not signed by its key',
      ],
      ['takes the keys away', 'delete from signing_keys', 'seals/2 is not signed by its key'],
    ])('or who %s', async (_, change, fault) => {
      expect((await found(change))[1]).toContain(fault);
    });
  });

  it('knows a transfer that is booked and not sealed yet, and one that is not there', async () => {
    const [fresh] = await moved(1);
    const key = { tenant: uuidOf('tenant', ours.tenant), livemode: false };
    const of = (transfer: string) => prove(db.database, { ...key, transfer: uuidOf('transfer', transfer) });
    expect(await of(fresh as string)).toEqual({ kind: 'not_sealed' });
    expect(await of(newId('transfer'))).toEqual({ kind: 'not_found' });
    expect(
      await prove(db.database, { ...key, livemode: true, transfer: uuidOf('transfer', early[0] as string) }),
    ).toEqual({ kind: 'not_found' });
  });

  it('proves each of its transfers out of any seal of a longer log', async () => {
    const transfers = [...early, ...late];
    // What the specs before have moved, and one more with each seal.
    for (let total = 15; total < 26; total++) {
      transfers.push(...(await moved(1)));
      await sealedAll(total);
    }
    const places = new Set<number>();
    for (const transfer of transfers) {
      const proof = await proofOf(transfer);
      expect(faultOf(proof)).toBeUndefined();
      places.add(proof.in_log.index);
    }
    expect(places.size).toBeGreaterThanOrEqual(11);
  });

  it('proves the next of a chain at the same cost, however much others have moved since the one before', async () => {
    const payer = onAnotherChainThan(world);
    await handle(ours.open(payer, { overdraft: 'unbounded' }));
    const others = Array.from({ length: 900 }, () => ours.transfer(world, wallet, '5'));
    const proven = [ours.transfer(payer, wallet, '5'), ours.transfer(payer, wallet, '5')] as const;
    const BOOKED = statement('spec.booked', 'select count(*)::integer as booked from transfers');
    for (const batch of [others.slice(0, 450), [proven[0]], others.slice(450), [proven[1]]]) {
      await handle(...batch);
      await sealedAll((await db.database.rows<{ booked: number }>(BOOKED))[0]?.booked ?? 0);
    }
    await db.tamper('analyze transfers, seals');
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    for (const { data } of proven) {
      expect(faultOf(await proofOf(data.id))).toBeUndefined();
      const key = [`typeid_uuid('${ours.tenant}')`, 'false', `'${uuidOf('transfer', data.id)}'::uuid`];
      // Of so few seals the planner may well read all.
      expect((await costOf(admin, LINK, key)).rows).toBeLessThan(100);
    }
    await admin.end();
  });
});

it('is made as soon as the ledger starts again, of what was booked before', async () => {
  const SEALS = statement('spec.seals', 'select count(*)::integer as seals from seals');
  const seals = async () => (await db.database.rows<{ seals: number }>(SEALS))[0]?.seals ?? 0;
  await moved(1);
  const before = await seals();
  const FREE = statement(
    'spec.horizon-is-past',
    'select pg_snapshot_xmin(pg_current_snapshot()) > max(xact_id) as free from transfers',
  );
  await until('nobody holds the horizon back', async () => (await db.database.rows<{ free: boolean }>(FREE))[0]?.free);
  const started = new Sealer(db.database, messaging, new SigningKey('one secret'));
  started.onApplicationBootstrap();
  await until('there is another seal', async () => (await seals()) > before);
  await started.onApplicationShutdown();
});

it('takes a long backlog into seals that are small enough to be proven out of, whole transactions each', async () => {
  const own = await createTestDatabase('ledger', migrations);
  await own.database.rows(statement('spec.partitions-too', 'select ensure_partitions(1)'));
  const transactions = [15_000, 15_000, 5_000, 25_000, 2];
  for (const [at, count] of transactions.entries())
    await own.tamper(
      `insert into transfers (tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor, asset, chain,
         chain_position, chain_hash)
       select gen_random_uuid(), false, gen_random_uuid(), now(), gen_random_uuid(), gen_random_uuid(), 1, 'USD', ${at}, nth,
         sha256(nth::text::bytea) from generate_series(1, ${count}) as nth`,
    );
  const ENDED = statement(
    'spec.ended',
    'select max(xact_id) < pg_snapshot_xmin(pg_current_snapshot()) as ended from transfers',
  );
  // The horizon is the server's.
  await until('all have ended', async () => (await own.database.rows<{ ended: boolean }>(ENDED))[0]?.ended);
  const theirs = new Sealer(own.database, messaging, new SigningKey('one secret'));
  const sizes: number[] = [];
  await until('all is sealed', async () => {
    const head = await theirs.seal();
    if (head) sizes.push(head.transfers);
    return sizes.reduce((sum, size) => sum + size, 0) === 60_002;
  });
  expect(sizes).toEqual([15_000, 20_000, 25_000, 2]);
  expect(await brokenSeals(own.database)).toEqual([]);
  await own.drop();
});
