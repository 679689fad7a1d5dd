import type { AccountKind, AccountState, Overdraft } from '@payflow/contracts';

/** An account as the gateway shows it: counters in minor units, `version` the ledger's, 0 while the opening is on its way. */
export interface AccountView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: 'pending' | AccountState;
  readonly path: string | null;
  readonly asset: string;
  readonly kind: AccountKind;
  readonly overdraft: Overdraft;
  readonly overdraftLimit: bigint;
  readonly postedDebits: bigint;
  readonly postedCredits: bigint;
  readonly pendingDebits: bigint;
  readonly pendingCredits: bigint;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** The account of the HTTP API. `balance` and `available` may be negative where the overdraft allows it. */
export function accountResource(view: AccountView) {
  const { balance, available } = sums(view);
  return {
    id: view.id,
    object: 'account',
    status: view.status,
    path: view.path,
    asset: view.asset,
    kind: view.kind,
    overdraft: view.overdraft,
    overdraft_limit: view.overdraftLimit.toString(),
    balance: balance.toString(),
    available: available.toString(),
    posted_debits: view.postedDebits.toString(),
    posted_credits: view.postedCredits.toString(),
    pending_debits: view.pendingDebits.toString(),
    pending_credits: view.pendingCredits.toString(),
    metadata: view.metadata,
    livemode: view.livemode,
    version: view.version,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
  };
}

/** Assets and expenses grow by debits, the others by credits. What is held on its way out is not available. */
function sums({ kind, postedDebits, postedCredits, pendingDebits, pendingCredits }: AccountView) {
  const credits = postedCredits - postedDebits;
  return kind === 'asset' || kind === 'expense'
    ? { balance: -credits, available: -credits - pendingCredits }
    : { balance: credits, available: credits - pendingDebits };
}
