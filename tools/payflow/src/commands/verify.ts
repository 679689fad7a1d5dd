import { INVARIANTS, SERVICES, type InvariantName, type Service } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { verifyProof } from '../proof-file.js';
import { verifyProvider, type ProviderOptions } from './verify-provider.js';
import {
  checkInvariants,
  compareTallies,
  orWhyNot,
  readTallies,
  tellMismatch,
  type TallyMismatch,
} from '@payflow/invariants';
import { brokenMonths } from '@payflow/ledger/period-audit';
import { brokenSeals } from '@payflow/ledger/seal-audit';
import { acknowledgedWithoutPayment } from '../acknowledged.js';
import { unlikePublished } from '../archived-events.js';
import { bookedOtherwise } from '../booked-payments.js';
import { INVARIANTS_OF, databaseUrl, readerUrl, withDatabases } from '../installation.js';
import { lasting } from '../on-its-way.js';
import { printTable } from '../output.js';
import { publishedAskers } from '../published-askers.js';
import { publishedDisputes } from '../published-disputes.js';
import { headsUnlikePublished } from '../published-heads.js';
import { publishedOperations } from '../published-operations.js';
import { publishedPayments } from '../published-payments.js';
import { publishedVerdicts, verdictsNeverPublished } from '../published-verdicts.js';

const SAMPLE_MAX = 10;

interface Finding {
  readonly service: string;
  readonly invariant: string;
  readonly violations: number;
  readonly sample: readonly string[];
  readonly duration_ms: number;
}

/**
 * Every invariant in full, over every service and between them, or one service's own. Exits with 1 when one is broken. `key`: the
 * keys that the ledger's heads may be signed with, or that a proof must be.
 */
export async function verify(
  service: Service | 'provider' | undefined,
  { json, proof, key, ...options }: ProviderOptions & { readonly proof?: string; readonly key?: string },
): Promise<void> {
  if (proof !== undefined) return verifyProof(proof, key);
  if (service === 'provider') return verifyProvider({ ...(json ? { json } : {}), ...options });
  if (service !== undefined && !SERVICES.includes(service)) throw new Error(`there is no service ${String(service)}`);
  const trusted = key?.split(',');
  const findings = service
    ? await withDatabases([service], readerUrl, (dbs) => ownChecks(dbs, trusted))
    : [
        ...(await withDatabases(SERVICES, readerUrl, async (dbs) => [
          ...(await ownChecks(dbs, trusted)),
          await acknowledged(dbs),
          await booked(dbs),
          await headsAsPublished(dbs),
          await verdictsAsPublished(dbs),
          await paymentsAsPublished(dbs),
        ])),
        // As the services: it brings their sums up to date before it compares them.
        await withDatabases(SERVICES, databaseUrl, sentAndReceived),
      ];
  if (json) process.stdout.write(`${JSON.stringify(findings)}\n`);
  else printFindings(findings);
  if (findings.some(({ violations }) => violations > 0)) process.exitCode = 1;
}

async function ownChecks(
  dbs: ReadonlyMap<Service, Database>,
  trusted: readonly string[] | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [service, db] of dbs) {
    for (const checked of await checkInvariants(db, INVARIANTS_OF[service])) findings.push({ service, ...checked });
    if (service === 'ledger') findings.push(await sealed(db, trusted), await monthsHashed(db));
  }
  return findings;
}

/** I7 against the signed log: chains that were written anew agree with themselves. */
function sealed(db: Database, trusted: readonly string[] | undefined): Promise<Finding> {
  return timed('ledger, signed log', 'I7', () => brokenSeals(db, trusted));
}

/** I35 over the hashes of closed months, each of which vouches for the one before. */
function monthsHashed(db: Database): Promise<Finding> {
  return timed('ledger, closed months', 'I35', () => brokenMonths(db));
}

/** I7 between ledger and archiver: whoever can write the one need not be able to write the other. */
function headsAsPublished(dbs: ReadonlyMap<Service, Database>): Promise<Finding> {
  const ofBoth = () => headsUnlikePublished(dbs.get('ledger') as Database, dbs.get('archiver') as Database);
  return timed('ledger and archiver', 'I7', ofBoth);
}

/** I16 between ledger and archiver, likewise. */
function verdictsAsPublished(dbs: ReadonlyMap<Service, Database>): Promise<Finding> {
  const [ledger, archiver] = [dbs.get('ledger') as Database, dbs.get('archiver') as Database];
  const ofBoth = async () => [
    ...(await unlikePublished(ledger, archiver, publishedVerdicts, publishedAskers)),
    ...(await verdictsNeverPublished(ledger, archiver)),
  ];
  return timed('ledger and archiver', 'I16', ofBoth);
}

/** I16 between payments and archiver, of payments, of what was asked of them, and of their disputes. */
function paymentsAsPublished(dbs: ReadonlyMap<Service, Database>): Promise<Finding> {
  const [payments, archiver] = [dbs.get('payments') as Database, dbs.get('archiver') as Database];
  const ofBoth = () => unlikePublished(payments, archiver, publishedPayments, publishedOperations, publishedDisputes);
  return timed('payments and archiver', 'I16', ofBoth);
}

/** I11 between gateway and payments: no database of ours can see both. */
function acknowledged(dbs: ReadonlyMap<Service, Database>): Promise<Finding> {
  const ofBoth = () => acknowledgedWithoutPayment(dbs.get('gateway') as Database, dbs.get('payments') as Database);
  return timed('gateway and payments', 'I11', ofBoth);
}

/** I5 between payments and ledger: what the one was told, the other has booked. */
function booked(dbs: ReadonlyMap<Service, Database>): Promise<Finding> {
  const ofBoth = () => bookedOtherwise(dbs.get('payments') as Database, dbs.get('ledger') as Database);
  return timed('payments and ledger', 'I5', ofBoth);
}

async function timed(
  service: string,
  invariant: string,
  offending: () => Promise<readonly string[]>,
): Promise<Finding> {
  const startedAt = performance.now();
  const checked = await orWhyNot(async () => {
    const ids = await offending();
    const duration_ms = Math.round(performance.now() - startedAt);
    return { violations: ids.length, sample: ids.slice(0, SAMPLE_MAX), duration_ms };
  });
  return { service, invariant, ...checked };
}

/**
 * I21 between all: what the outboxes sent against what each reader applied or set aside. Services that run always have something
 * on its way (the ledger's seal of each minute, where nobody asks for anything): a difference is a fault if it stays.
 */
function sentAndReceived(dbs: ReadonlyMap<Service, Database>): Promise<Finding> {
  return timed('all', 'I21', async () =>
    (await lasting(await mismatchesNow(dbs), () => mismatchesNow(dbs))).map(tellMismatch),
  );
}

async function mismatchesNow(dbs: ReadonlyMap<Service, Database>): Promise<TallyMismatch[]> {
  return compareTallies(await Promise.all([...dbs.values()].map((db) => readTallies(db))));
}

function printFindings(findings: readonly Finding[]): void {
  printTable(
    findings.map(({ service, invariant, violations, sample, duration_ms }) => ({
      '': violations === 0 ? 'ok' : 'BROKEN',
      invariant,
      service,
      ms: duration_ms,
      meaning: INVARIANTS[invariant as InvariantName],
      offending: sample.join(' '),
    })),
    'nothing to verify',
  );
}
