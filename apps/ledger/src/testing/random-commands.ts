import { newId } from '@payflow/contracts';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from './commands.js';

const FAR = '2099-01-01T00:00:00.000Z';
const ACCOUNTS = 20;

interface Place {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
}

/** What moves a transfer back. */
const backOf = ({ debit, credit }: Place, id: string): Place => ({ id, debit: credit, credit: debit });

/** Random commands over a few accounts: what they name exists, exists no more, or never did. */
export class RandomCommands {
  private readonly ours = new CommandsOf();
  private readonly euros = [newId('account'), newId('account')] as const;
  private readonly accounts = Array.from({ length: ACCOUNTS }, () => newId('account'));
  private readonly holds: Place[] = [{ id: newId('hold'), debit: this.account(0), credit: this.account(1) }];
  private readonly transfers: Place[] = [{ id: newId('transfer'), debit: this.account(0), credit: this.account(1) }];
  private readonly sent: LedgerCommand[] = [];

  constructor(private readonly next: () => number) {}

  openings(): LedgerCommand[] {
    const terms = [
      { overdraft: 'unbounded' },
      { overdraft: 'limited', overdraft_limit: '300' },
      { kind: 'asset' },
      {},
    ] as const;
    const openings = this.accounts.map((id, at) => this.ours.open(id, at === 0 ? terms[0] : terms[1 + (at % 3)]));
    const euros = this.euros.map((id) =>
      this.ours.open(id, { asset: 'EUR', overdraft: 'limited', overdraft_limit: '900' }),
    );
    // The accounts of a batch may be paid from and to in the batch that opens them.
    return [...openings, ...euros, this.ours.transfer(this.account(0), this.account(1), '25')];
  }

  another(): LedgerCommand {
    const command = this.next() % 25 === 0 && this.sent.length > 0 ? this.pick(this.sent) : this.fresh();
    this.sent.push(command);
    return command;
  }

  private fresh(): LedgerCommand {
    const [debit, credit] = [this.account(this.next()), this.account(this.next())];
    const amount = String(this.next() % 400);
    switch (this.next() % 15) {
      case 0:
      case 1:
        return this.remembered(this.transfers, this.ours.transfer(debit, credit, amount), { debit, credit });
      case 2:
      case 3:
        return this.remembered(this.transfers, this.ours.transfer(this.account(0), credit, amount), {
          debit: this.account(0),
          credit,
        });
      case 4:
        return this.group(debit, credit, amount);
      case 5:
      case 6: {
        const expires_at = this.next() % 2 === 0 ? null : FAR;
        return this.remembered(this.holds, this.ours.hold(debit, credit, amount, { expires_at }), { debit, credit });
      }
      case 7:
      case 8:
        return this.ours.postHold(this.pick(this.holds), this.next() % 3 === 0 ? null : amount, this.next() % 2 === 0);
      case 9:
        return this.ours.voidHold(this.pick(this.holds));
      case 10: {
        const original = this.pick(this.transfers);
        const command = this.ours.correct(original, this.next() % 3 === 0 ? null : amount);
        const { replacement, reversal } = command.data;
        this.transfers.push({ ...original, id: replacement.id }, backOf(original, reversal));
        return command;
      }
      case 11: {
        const version = this.next() % 2 === 0 ? null : 1 + (this.next() % 3);
        return this.ours.annotate(this.pick(this.transfers), { note: amount }, version);
      }
      case 12: {
        const original = this.pick(this.transfers);
        const command = this.ours.reverse(original, this.next() % 3 === 0 ? null : amount);
        this.transfers.push(backOf(original, command.data.transfer));
        return command;
      }
      case 13:
        return this.conversion(debit, credit, amount);
      default:
        return this.ours.update(this.account(1 + (this.next() % (ACCOUNTS - 1))), {
          state: this.pick(['open', 'open', 'frozen', 'debits_frozen', 'closed', null] as const),
          metadata: this.next() % 2 === 0 ? { note: amount } : null,
        });
    }
  }

  private group(debit: string, credit: string, amount: string): LedgerCommand {
    const third = this.account(this.next());
    const used = this.next() % 10 === 0 ? { id: this.pick(this.transfers).id } : {};
    const legs = [
      leg(this.account(0), debit, amount, used),
      leg(debit, credit, amount, { up_to: this.next() % 2 === 0 }),
      leg(credit, third, '1'),
    ];
    const conditions =
      this.next() % 3 === 0 ? [{ account: debit, version: null, balance_gte: '-5', balance_lte: '5000' }] : [];
    const mode = this.next() % 3 === 0 ? ({ mode: 'stop_on_first' } as const) : {};
    const command = this.ours.group(legs, { conditions, ...mode });
    this.transfers.push({ id: (legs[0] as { id: string }).id, debit: this.account(0), credit: debit });
    return command;
  }

  private conversion(source: string, source_liquidity: string, source_amount: string): LedgerCommand {
    const [destination_liquidity, destination] = this.next() % 2 === 0 ? this.euros : [this.euros[1], this.euros[0]];
    const rate = { numerator: String(this.next() % 20), denominator: String(1 + (this.next() % 20)) };
    const between = { source, source_liquidity, destination_liquidity, destination };
    const command = this.ours.convert(between, { source_amount, rate });
    this.transfers.push({ id: command.data.transfers[1], debit: destination_liquidity, credit: destination });
    return command;
  }

  private remembered<C extends LedgerCommand>(places: Place[], command: C, sides: Omit<Place, 'id'>): C {
    places.push({ id: command.data.id, ...sides });
    return command;
  }

  private account(at: number): string {
    return this.accounts[at % ACCOUNTS] as string;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.next() % from.length] as T;
  }
}
