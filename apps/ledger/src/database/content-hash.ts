import { hash } from 'node:crypto';
import type { LedgerCommand } from '../domain/book.js';

/** SHA-256 (hexadecimal) over what a command means: equal for every copy of it, whoever sent it and when. */
export function contentHash(command: LedgerCommand): string {
  return hash('sha256', canonical(command), 'hex');
}

function canonical(command: LedgerCommand): string {
  switch (command.type) {
    case 'payflow.account.open.v1': {
      const { path, asset, overdraft, metadata } = command.data;
      return JSON.stringify([command.type, path, asset, overdraft, Object.entries(metadata).sort()]);
    }
    case 'payflow.transfer.post.v1': {
      const { payment, debit_account, credit_account, amount, asset, valid_until } = command.data;
      return JSON.stringify([command.type, payment, debit_account, credit_account, amount, asset, valid_until]);
    }
    default:
      return command satisfies never;
  }
}
