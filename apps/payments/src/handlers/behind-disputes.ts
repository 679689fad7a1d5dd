import type { Transaction } from '@payflow/database';
import type { Increases } from '../limits/increase.js';
import { judge } from '../limits/judge.js';
import { NO_CHANGES, saveJudgement } from '../limits/judgement.repository.js';
import type { OwnedPolicy, Policies } from '../limits/policy.repository.js';
import { isIncrease } from './command-batch.js';
import { asJudged } from './judged.js';
import { enact, loadFor, record, type Played, type Turn } from './lives.js';
import { increaseTurn, turnOf, type Own } from './turns.js';
import type { WishCommand } from './wishes.js';

/** What is asked of payments, each held against limits where it adds to one. */
export function turnsOf(commands: readonly (WishCommand | Own)[], increases: Increases): Turn[] {
  return commands.map((one) => (isIncrease(one) ? increaseTurn(one, increases) : turnOf(one)));
}

/**
 * Carries out what is asked of payments behind notices of their disputes, when these have been heard: the payments are locked since
 * the batch began. Three statements, and three more at most where something is to be added to them. `known`: policies as the batch has
 * left them. It may have the windows of others by now, so that two batches may need each other's: the database tells one of them,
 * which runs again.
 */
export async function playBehind(
  tx: Transaction,
  policies: Policies,
  wishes: readonly WishCommand[],
  known: ReadonlyMap<string, OwnedPolicy>,
): Promise<Played> {
  const loaded = await loadFor(tx, wishes.map(turnOf));
  const increasing = wishes.filter(isIncrease);
  const { increases, tally } = await judge(tx, policies, {
    ...{ creates: [], increases: increasing, lives: loaded.lives, known },
  });
  const enacted = enact(turnsOf(wishes, increases), { loaded });
  const { growth, reservations } = tally;
  await saveJudgement(tx, {
    ...{ ...NO_CHANGES, growth, reservations },
    admitted: [...increases.newlyJudged.values()].map(asJudged),
  });
  return record(tx, enacted);
}
