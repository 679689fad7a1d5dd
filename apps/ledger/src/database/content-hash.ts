import { hash } from 'node:crypto';
import type { BalanceCondition, Leg, TransferStanding } from '@payflow/contracts';
import type { LedgerCommand } from '../domain/decide.js';

/** SHA-256 (hexadecimal) over what a command means: equal for every copy of it, whoever sent it and when. */
export function contentHash(command: LedgerCommand): string {
  return hash('sha256', JSON.stringify([command.type, ...meaning(command)]), 'hex');
}

function meaning(command: LedgerCommand): unknown[] {
  switch (command.type) {
    case 'payflow.account.open.v1': {
      const { path, asset, kind, overdraft, overdraft_limit, metadata } = command.data;
      // As openings were hashed before there were kinds and limits: what was opened then is still known.
      if (kind === 'liability' && overdraft_limit === '0') return [path, asset, overdraft, sorted(metadata)];
      return [path, asset, kind, overdraft, overdraft_limit, sorted(metadata)];
    }
    case 'payflow.account.update.v1': {
      const { id, state, overdraft, overdraft_limit, metadata, if_version } = command.data;
      return [id, state, overdraft, overdraft_limit, metadata && sorted(metadata), if_version];
    }
    case 'payflow.transfer.post.v1': {
      const { payment, debit_account, credit_account, amount, asset, valid_until } = command.data;
      return [payment, debit_account, credit_account, amount, asset, valid_until];
    }
    case 'payflow.group.post.v1': {
      const { legs, conditions, effective_at, metadata, mode, payment, valid_until } = command.data;
      return [
        legs.map(meaningOfLeg),
        conditions.map(meaningOfCondition),
        effective_at,
        sorted(metadata),
        // As groups were hashed before there was another mode: what was posted then is still known.
        ...(mode === undefined ? [] : [mode]),
        // Nor was there one that books a payment.
        ...(payment === undefined && valid_until === undefined ? [] : [payment ?? null, valid_until ?? null]),
      ];
    }
    case 'payflow.conversion.post.v1': {
      const { transfers, source, destination, source_liquidity, destination_liquidity } = command.data;
      const { source_asset, destination_asset, source_amount, rate, metadata, conditions } = command.data;
      return [
        [transfers, source, destination, source_liquidity, destination_liquidity],
        [source_asset, destination_asset, source_amount, rate.numerator, rate.denominator],
        sorted(metadata),
        // As conversions were hashed before they had conditions: what was converted then is still known.
        ...(conditions === undefined ? [] : [conditions.map(meaningOfCondition)]),
      ];
    }
    case 'payflow.hold.place.v1': {
      const { payment, debit_account, credit_account, amount, asset, expires_at, valid_until, type } = command.data;
      return [payment, debit_account, credit_account, amount, asset, expires_at, valid_until, ...named(type)];
    }
    case 'payflow.hold.post.v1': {
      const { hold, debit_account, credit_account, amount, final, if_version } = command.data;
      return [hold, debit_account, credit_account, amount, final, ...conditioned(if_version)];
    }
    case 'payflow.hold.void.v1': {
      const { id, debit_account, credit_account, expired, if_version } = command.data;
      return [id, debit_account, credit_account, expired, ...conditioned(if_version)];
    }
    default:
      return meaningOfOthers(command);
  }
}

type Others =
  | 'payflow.transfer.reverse.v1'
  | 'payflow.transfer.correct.v1'
  | 'payflow.transfer.update.v1'
  | 'payflow.asset.define.v1'
  | 'payflow.period.close.v1'
  | 'payflow.transaction_type.define.v1';

/** Of commands that change what is booked, and of those that set terms for what will be. */
function meaningOfOthers(command: Extract<LedgerCommand, { readonly type: Others }>): unknown[] {
  switch (command.type) {
    case 'payflow.transfer.reverse.v1': {
      const { transfer, original, debit_account, credit_account, amount, metadata, type, if_standing } = command.data;
      const moved = [transfer, original, debit_account, credit_account, amount, sorted(metadata), ...named(type)];
      return [...moved, ...standing(if_standing)];
    }
    case 'payflow.transfer.correct.v1': {
      const { original, debit_account, credit_account, reversal, replacement, effective_at, metadata } = command.data;
      const { id, amount, asset } = replacement;
      return [
        [original, debit_account, credit_account, reversal],
        [id, replacement.debit_account, replacement.credit_account, amount, asset, ...named(replacement.type)],
        effective_at,
        sorted(metadata),
        ...standing(command.data.if_standing),
      ];
    }
    case 'payflow.transfer.update.v1': {
      const { id, debit_account, metadata, if_version } = command.data;
      return [id, debit_account, sorted(metadata), if_version];
    }
    case 'payflow.asset.define.v1': {
      const { id, scale, name } = command.data;
      return [id, scale, name];
    }
    case 'payflow.period.close.v1':
      return [command.data.id, ...conditioned(command.data.if_version)];
    case 'payflow.transaction_type.define.v1': {
      const { id, debit, credit, template, if_version } = command.data;
      return [id, debit, credit, template, if_version];
    }
    default:
      return command satisfies never;
  }
}

function meaningOfLeg({ id, debit_account, credit_account, amount, asset, up_to, type }: Leg): unknown[] {
  return [id, debit_account, credit_account, amount, asset, up_to, ...named(type)];
}

/** What names no type means what it meant before there were types. */
function named(type: string | undefined): readonly string[] {
  return type === undefined ? [] : [type];
}

/** What is for any version means what it meant before there was anything else. */
function conditioned(version: number | undefined): readonly number[] {
  return version === undefined ? [] : [version];
}

function standing(seen: TransferStanding | undefined): readonly unknown[] {
  return seen === undefined ? [] : [[seen.version, seen.reversed]];
}

function meaningOfCondition({ account, version, balance_gte, balance_lte }: BalanceCondition): unknown[] {
  return [account, version, balance_gte, balance_lte];
}

function sorted(metadata: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
}
