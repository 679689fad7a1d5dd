import { parseAmount } from '@payflow/money';
import type { MessageData, PostedLeg } from '@payflow/contracts';
import { scoped, type LoadedBooks } from '../domain/book.js';
import type { Original } from '../domain/reversal.js';
import type { LoadedAside } from './aside.repository.js';
import { idText, transferKey, type IdKey, type KeyedCommand } from './command-key.js';
import type { KnownVerdict } from './verdict.repository.js';

/** What is known, by the verdicts found under their ids, of the transfers that commands make and move back. */
export function knownTransfers(
  commands: readonly KeyedCommand[],
  known: ReadonlyMap<string, KnownVerdict>,
  { booked, reversed }: Pick<LoadedAside, 'booked' | 'reversed'>,
): Pick<LoadedBooks, 'originals' | 'usedTransferIds'> {
  const originals = new Map<string, Original>();
  const usedTransferIds = new Set<string>();
  for (const each of commands) {
    for (const { id, role } of namesOf(each)) {
      const verdict = known.get(idText(transferKey(each, id)));
      if (!verdict) continue;
      const key = scoped(each.command, id);
      const { effectiveAt = '', reverses = null } = booked.get(key) ?? {};
      const since = { ...NOTHING_SINCE, ...reversed.get(key), effectiveAt, reverses };
      const original = role === 'original' ? originalOf(verdict, since) : undefined;
      if (original) originals.set(key, original);
      if (role === 'made') usedTransferIds.add(key);
    }
  }
  return { originals, usedTransferIds };
}

type Since = Pick<Original, 'reversed' | 'correctedBy' | 'effectiveAt' | 'reverses'>;

const NOTHING_SINCE = { reversed: 0n, correctedBy: null };

/** The transfers that a group makes, and the one it moves back: a command that makes one alone is known by its own key. */
function namesOf({ command }: KeyedCommand): { readonly id: string; readonly role: 'made' | 'original' }[] {
  switch (command.type) {
    case 'payflow.group.post.v1':
      return command.data.legs.map(({ id }) => ({ id, role: 'made' }));
    case 'payflow.conversion.post.v1':
      return command.data.transfers.map((id) => ({ id, role: 'made' }));
    case 'payflow.transfer.reverse.v1':
      return [
        { id: command.data.transfer, role: 'made' },
        { id: command.data.original, role: 'original' },
      ];
    case 'payflow.transfer.correct.v1':
      return [
        { id: command.data.reversal, role: 'made' },
        { id: command.data.replacement.id, role: 'made' },
        { id: command.data.original, role: 'original' },
      ];
    default:
      return [];
  }
}

/** The keys of the transfers that a command names. */
export function transfersNamed(each: KeyedCommand): IdKey[] {
  return namesOf(each).map(({ id }) => transferKey(each, id));
}

/** What a verdict says of the transfer it posted, or undefined where it posted none. */
function originalOf({ type, json }: KnownVerdict, since: Since): Original | undefined {
  switch (type) {
    case 'payflow.transfer.posted.v1': {
      const data = JSON.parse(json) as MessageData['payflow.transfer.posted.v1'];
      return moved(data.debit_account.id, data.credit_account.id, data.amount, data.asset, since);
    }
    case 'payflow.hold.posted.v1': {
      const data = JSON.parse(json) as MessageData['payflow.hold.posted.v1'];
      return moved(data.debit_account.id, data.credit_account.id, data.transferred, data.asset, since);
    }
    case 'payflow.group.posted.v1': {
      const leg = JSON.parse(json) as PostedLeg;
      return moved(leg.debit_account, leg.credit_account, leg.amount, leg.asset, since);
    }
    default:
      return undefined;
  }
}

function moved(debitAccount: string, creditAccount: string, amount: string, asset: string, since: Since): Original {
  return { debitAccount, creditAccount, amount: parseAmount(amount) ?? 0n, asset, ...since };
}
