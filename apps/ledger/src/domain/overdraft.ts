import { balance, type Account } from './account.js';

/** An overdraft that one command moved. */
export interface OverdraftMove {
  readonly kind: 'drawn' | 'repaid' | 'cleared';
  /** The account afterwards. */
  readonly account: Account;
  /** How far below zero it stood and stands, minor units. */
  readonly before: bigint;
  readonly after: bigint;
}

/**
 * What became of an account's overdraft. What is held draws nothing: only what is booked does. Without a limit there is no
 * overdraft to speak of, so that taking an account's limit away clears it, and giving one to what is below zero draws it.
 */
export function overdraftMove(before: Account | undefined, account: Account): OverdraftMove | undefined {
  if (before?.overdraft !== 'limited' && account.overdraft !== 'limited') return undefined;
  const [was, is] = [before ? drawn(before) : 0n, drawn(account)];
  if (was === is) return undefined;
  // From here it has moved.
  return { kind: is > was ? 'drawn' : is > 0n ? 'repaid' : 'cleared', account, before: was, after: is };
}

function drawn(account: Account): bigint {
  if (account.overdraft !== 'limited') return 0n;
  const booked = balance(account);
  return booked < 0n ? -booked : 0n;
}
