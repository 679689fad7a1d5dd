import type { LayeredCache } from '@payflow/cache';
import { Problem } from '@payflow/service';
import type { TestSpace } from '../database/test-space.repository.js';
import type { Caller } from '../http/edge/caller.js';

/** The test spaces of organisations, by their ids. */
export type TestSpaces = LayeredCache<string, TestSpace>;

/** Whose books a credential of an organisation opens: its own, or in test mode those of its space, with the time that it is there. */
export async function booksOf(
  spaces: TestSpaces,
  organisation: string,
  livemode: boolean,
): Promise<Pick<Caller, 'tenant' | 'ahead_ms'>> {
  if (livemode) return { tenant: organisation };
  const found = await spaces.get(organisation);
  if (!found) return { tenant: organisation };
  const { space: tenant, ahead_ms } = found;
  return ahead_ms === 0 ? { tenant } : { tenant, ahead_ms };
}

/** What time it is for whoever calls: ours, or what a test clock says. */
export function ownTime({ ahead_ms = 0 }: Pick<Caller, 'ahead_ms'>, now: Date): Date {
  return ahead_ms === 0 ? now : new Date(now.getTime() + ahead_ms);
}

/** Throws where the credential is a live one. */
export function requireTestMode({ livemode }: Caller): void {
  if (livemode) throw new Problem('test_mode_only');
}
