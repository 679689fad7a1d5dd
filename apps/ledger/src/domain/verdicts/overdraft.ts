import type { MessageData } from '@payflow/contracts';
import { formatAmount } from '@payflow/money';
import type { Verdict } from '../decide.js';
import type { OverdraftMove } from '../overdraft.js';
import { isSingle } from './group.js';

type OverdraftType =
  'payflow.account.overdraft_drawn.v1' | 'payflow.account.overdraft_repaid.v1' | 'payflow.account.overdraft_cleared.v1';

/** What is told beside a verdict: what its command did to an overdraft. */
export type OverdraftEvent = { readonly type: OverdraftType; readonly data: MessageData[OverdraftType] };

/** Tells of the overdrafts that a command moved. It was carried out at `now`, and `verdict` says by which transfer or group. */
export function overdraftEvents(moves: readonly OverdraftMove[], verdict: Verdict, now: string): OverdraftEvent[] {
  const movers = moves.length > 0 ? moversOf(verdict) : NONE;
  return moves.map(({ kind, account, before, after }) => ({
    type: `payflow.account.overdraft_${kind}.v1`,
    data: {
      account: account.id,
      asset: account.asset,
      drawn_before: formatAmount(before),
      drawn_after: formatAmount(after),
      limit: formatAmount(account.overdraftLimit),
      version: account.version,
      ...movers,
      recorded_at: now,
    },
  }));
}

interface Movers {
  readonly transfer: string | null;
  readonly group: string | null;
}

const NONE: Movers = { transfer: null, group: null };

function moversOf(verdict: Verdict): Movers {
  switch (verdict.type) {
    case 'payflow.transfer.posted.v1':
      return { transfer: verdict.data.id, group: null };
    case 'payflow.hold.posted.v1':
      return { transfer: verdict.data.transfer, group: null };
    case 'payflow.group.posted.v1': {
      const { id, legs, corrects } = verdict.data;
      const asked = legs.at(-1)?.id ?? null;
      // A group that nobody asked for is told by its transfer: of a correction, by the one in the original's place.
      if (isSingle(verdict.data) || corrects !== undefined) return { transfer: asked, group: null };
      return { transfer: legs.length === 1 ? asked : null, group: id };
    }
    default:
      return NONE;
  }
}
