import type { ProviderAction, ProviderRequest } from '@payflow/connectors';
import type { AttemptStatus, Told } from '../domain/attempt.js';

/** Who moves attempts, where no human does. */
export const WORKER = 'payments/providers';

export interface AttemptKey {
  readonly tenant: string;
  readonly livemode: boolean;
  /** `att_…` */
  readonly id: string;
}

/** What a connector is told beside action, sum and keys: kept with the attempt, so never a secret. */
export type AttemptRequest = Partial<Pick<ProviderRequest, 'card' | 'reference' | 'final' | 'evidence'>>;

/** A wish for a provider, as the machine writes it down. */
export interface NewAttempt extends AttemptKey {
  /** `pay_…` */
  readonly payment: string;
  /** UUID of the operation that it is for. */
  readonly operation: string;
  readonly action: ProviderAction;
  /** Minor units; null where the action has no sum. */
  readonly amount: bigint | null;
  readonly asset: string;
  readonly request: AttemptRequest;
  /** Null where any may be asked. */
  readonly connector: string | null;
  /** From the message that asked for it. */
  readonly correlation?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** An attempt as the worker finds it, its row locked. */
export interface Attempt extends NewAttempt {
  readonly status: AttemptStatus;
  readonly number: number;
  /** The one that was handed out: answers name it, whichever provider was asked in the end. */
  readonly first: string;
  /** The one that was asked last for the same wish. */
  readonly last: string;
  /** What it ended with, as far as it has. */
  readonly said: { readonly code: string | null; readonly reference: string | null; readonly url: string | null };
  /** Connectors that were asked for the same wish before, or are being asked. */
  readonly tried: readonly string[];
  /** Why the last of them declined; null where none did. */
  readonly declined: string | null;
  /** Of a void, when the provider was to give back what is set aside for the payment for the first time. */
  readonly voidedSince: Date | null;
  /** False where what it is for has ended without it: its payment was called off, or ran out of time, while the customer had to act. */
  readonly isWanted: boolean;
  /** True where what it is for has failed by now. */
  readonly isGivenUp: boolean;
  /** Who has done what it is for, where the machine has heard that; null where it has not. */
  readonly takenBy: string | null;
  /** The last that a webhook said of it. */
  readonly told: Told;
  readonly inquiries: number;
  readonly needsAttention: boolean;
  readonly createdAt: Date;
  /** When it left for the first time. */
  readonly sentAt: Date | null;
  readonly unknownAt: Date | null;
  /** No money is taken after it. */
  readonly takesUntil: Date;
  /** The database's clock. */
  readonly now: Date;
  readonly version: bigint;
}

/**
 * Which of its sendings an attempt is in, or was in last, as a number that only grows. Each move makes it another, but that by the word
 * of an inquiry, which may be noted beside a sending, and counts itself.
 */
export function sendingOf({ version, inquiries }: Pick<Attempt, 'version' | 'inquiries'>): bigint {
  return version - BigInt(inquiries);
}

export function requestOf(attempt: Attempt): ProviderRequest {
  const { tenant, livemode, payment, id, action, amount, asset, request } = attempt;
  const { card, final, evidence, reference = null } = request;
  return {
    action,
    idempotencyKey: id,
    merchantReference: merchantReferenceOf({ tenant, livemode }, payment),
    amount: amount?.toString() ?? null,
    asset,
    reference,
    ...(card ? { card } : {}),
    ...(final === undefined ? {} : { final }),
    ...(evidence ? { evidence } : {}),
  };
}

/** By what a provider knows a payment. */
export function merchantReferenceOf(
  { tenant, livemode }: Pick<AttemptKey, 'tenant' | 'livemode'>,
  payment: string,
): string {
  return `${tenant}/${livemode ? 'live' : 'test'}/${payment}`;
}
