import { newId } from '@payflow/contracts';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from './commands.js';

export const ours = new CommandsOf();
const others = new CommandsOf();
export const [world, wallet, other, credit, spent, euros, market] = Array.from({ length: 7 }, () =>
  newId('account'),
) as [string, string, string, string, string, string, string];
const euroMarket = newId('account');
export const pays = ours.transfer(world, wallet, '500');
const corrected = ours.transfer(world, wallet, '41');
const correction = ours.correct({ id: corrected.data.id, debit: world, credit: wallet }, '37', {
  metadata: { why: 'typo' },
});
const reversal = ours.reverse({ id: pays.data.id, debit: world, credit: wallet }, '13', { metadata: { why: 'half' } });
export const held = ours.hold(wallet, other, '60', { type: 'fee', expires_at: '2099-01-01T00:00:00.000Z' });
export const posting = ours.postHold({ id: held.data.id, debit: wallet, credit: other }, '19', false);
export const voided = ours.hold(wallet, other, '21');
export const typed = ours.group([leg(wallet, other, '7', { type: 'fee' }), leg(other, wallet, '3')], {
  metadata: { no: '1' },
});
const single = ours.group([leg(wallet, other, '2')], { metadata: { order: '9' } });
export const conversion = ours.convert(
  { source: wallet, source_liquidity: market, destination_liquidity: euroMarket, destination: euros },
  { source_amount: '100', rate: { numerator: '9', denominator: '7' } },
);
export const alone = { id: newId('transfer'), debit: wallet };

/** A book in which everything that there is has happened; each call is a batch. */
export async function happen(apply: (...commands: readonly LedgerCommand[]) => Promise<void>): Promise<void> {
  const limited = { overdraft: 'limited', overdraft_limit: '400' } as const;
  await apply(
    ours.open(world, { overdraft: 'unbounded' }),
    ours.open(wallet, { path: 'users:1:wallet', metadata: { name: 'first' } }),
    ours.open(other),
    ours.open(credit, limited),
    ours.open(spent, { ...limited, kind: 'asset' }),
    ours.open(euros, { asset: 'EUR' }),
    ours.open(market),
    ours.open(euroMarket, { asset: 'EUR', overdraft: 'unbounded' }),
    ours.open(wallet),
    ours.define('PNTS'),
    ours.define('PNTS'),
    ours.defineType('fee', { debit: [{ path: null, kind: 'liability' }] }),
    others.open(world, { overdraft: 'unbounded' }),
    others.open(wallet),
  );
  await apply(ours.defineType('fee'), ours.defineType('fee'), pays, corrected, others.transfer(world, wallet, '5'));
  await apply(
    correction,
    reversal,
    held,
    voided,
    typed,
    single,
    conversion,
    ours.group([leg(wallet, other, '4', { id: alone.id })]),
    ours.group([leg(wallet, other, '100000')]),
  );
  await apply(
    posting,
    ours.voidHold({ id: voided.data.id, debit: wallet, credit: other }),
    ours.annotate(alone, { note: 'seen' }),
    ours.update(wallet, { metadata: { name: 'second' }, overdraft: 'limited', overdraft_limit: '9' }),
    ours.update(other, { state: 'debits_frozen' }),
    // Drawn by a group, by a hold's posting and on the debit side; repaid, and cleared by taking the limit away.
    ours.group([leg(credit, world, '30'), leg(credit, wallet, '5'), leg(wallet, credit, '1')]),
    ours.group([leg(world, spent, '70')]),
    ours.transfer(world, credit, '3'),
  );
  const drawing = ours.hold(credit, world, '50');
  await apply(drawing, ours.postHold({ id: drawing.data.id, debit: credit, credit: world }, null));
  await apply(ours.transfer(world, credit, '81'), ours.update(credit, { overdraft: 'none' }));
  await apply(
    ours.update(credit, { overdraft: 'limited', overdraft_limit: '50' }),
    ours.transfer(credit, world, '20'),
    ours.update(credit, { overdraft: 'unbounded' }),
    ours.transfer(credit, world, '20'),
    ours.update(credit, { overdraft: 'limited', overdraft_limit: '90' }),
  );
}
