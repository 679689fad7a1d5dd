import { isClientId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { attemptsInNeed, resolvingOf, type AttemptOwner } from '@payflow/payments/attempts';
import { enqueue } from '@payflow/jobs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

const LISTED_MAX = 200;

const OWNER = statement(
  'cli.attempt-owner',
  `select tenant_id as tenant, livemode, needs_attention or status in ('unknown', 'requires_action') as "isOpen" from attempts where id = $1`,
);

interface Wish {
  readonly actor: string;
  readonly reason: string;
  readonly reference?: string;
  readonly code?: string;
}

/** `payflow attempts`: what was asked of providers, where a human has to say how it ended. */
export function attemptsCommands(): Command {
  const attempts = new Command('attempts').description('what was asked of providers');
  attempts
    .command('attention')
    .description('those whose end only a human can find out, the longest waiting first')
    .action(attention);
  attempts
    .command('resolve')
    .argument('<id>', 'att_…', parseAttempt)
    .argument('<outcome>', 'approved or declined, as the provider says by other ways', parseOutcome)
    .requiredOption('--actor <who>', 'who decides')
    .requiredOption('--reason <why>', 'how it was found out')
    .option('--reference <id>', "the provider's own id of what it did; needed where it approved")
    .addOption(new Option('--code <code>', 'why it declined').default('provider_declined'))
    .description('end it; the worker carries it out, and tells the payment')
    .action(resolve);
  return attempts;
}

function parseAttempt(id: string): string {
  if (!isClientId('attempt', id)) throw new InvalidArgumentError('an id such as att_01h455vb4pex5vsknk084sn02q');
  return id;
}

function parseOutcome(outcome: string): string {
  if (outcome !== 'approved' && outcome !== 'declined') throw new InvalidArgumentError('approved or declined');
  return outcome;
}

async function attention(): Promise<void> {
  const rows = await withDatabase('payments', (db) => attemptsInNeed(db, LISTED_MAX));
  printTable(
    rows.map((row) => ({
      attempt: row.id,
      payment: row.payment,
      action: row.action,
      amount: row.amount && `${row.amount} ${row.asset}`,
      status: row.status,
      connector: row.connector,
      reference: row.reference,
      sent: row.sentAt,
      inquiries: row.inquiries,
    })),
    'no attempt needs attention',
  );
}

async function resolve(attempt: string, outcome: 'approved' | 'declined', wish: Wish): Promise<void> {
  if (outcome === 'approved' && !wish.reference) throw new Error('--reference is needed where it was approved');
  await withDatabase('payments', async (db) => {
    const [owner] = await db.rows<AttemptOwner & { isOpen: boolean }>(OWNER, [uuidOf('attempt', attempt)]);
    if (!owner) throw new Error('there is no such attempt');
    if (!owner.isOpen) throw new Error('it has ended, and nobody has to look at it');
    const job = resolvingOf(owner, {
      attempt,
      outcome,
      code: outcome === 'declined' ? (wish.code ?? null) : null,
      reference: wish.reference ?? null,
      actor: wish.actor,
      reason: wish.reason,
    });
    await db.transaction((tx) => enqueue(tx, [job]));
  });
  process.stdout.write('resolving: the payments service carries it out within seconds\n');
}
