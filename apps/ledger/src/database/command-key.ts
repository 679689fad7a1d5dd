import { uuidOf } from '@payflow/contracts';
import type { DamagedCommand, LedgerCommand } from '../domain/decide.js';
import { contentHash } from './content-hash.js';

/**
 * What an id in the ledger's id table stands for. `change` is for commands that make nothing of their own, and so are known
 * by their message's id.
 */
export type IdKind = 'account' | 'transfer' | 'group' | 'hold' | 'change';

/** One id of the id table. */
export interface IdKey {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly kind: IdKind;
  readonly uuid: string;
}

/** A command with the key of its verdict, converted once. */
export interface KeyedCommand<C extends LedgerCommand | DamagedCommand = LedgerCommand> extends IdKey {
  readonly command: C;
  /** {@link idText} of what its verdict is found under. */
  readonly key: string;
  /** SHA-256 of what the command means, hexadecimal. */
  readonly contentHash: string;
}

export function keyed(command: LedgerCommand): KeyedCommand {
  const id = idKeyOf(command);
  return { ...id, command, key: idText(id), contentHash: contentHash(command) };
}

/** In the place of the hash of a content that could not be read: whatever comes under the id gets the same refusal. */
export const UNREAD_HASH = '0'.repeat(64);

/** The key of a damaged command is made of what could be read; a hash would be of no more than that. */
export function keyedUnread(command: DamagedCommand): KeyedCommand<DamagedCommand> {
  const id = idKeyOf(command);
  return { ...id, command, key: idText(id), contentHash: UNREAD_HASH };
}

/** The key of a transfer that a command of the owner makes or names. */
export function transferKey({ tenant, livemode }: Pick<IdKey, 'tenant' | 'livemode'>, transfer: string): IdKey {
  return { tenant, livemode, kind: 'transfer', uuid: uuidOf('transfer', transfer) };
}

/** An id's key as text, for maps. */
export function idText({ tenant, livemode, kind, uuid }: IdKey): string {
  return `${kind}/${tenant}/${livemode}/${uuid}`;
}

function idKeyOf(command: LedgerCommand | DamagedCommand): IdKey {
  return { tenant: uuidOf('tenant', command.tenant), livemode: command.livemode, ...idOf(command) };
}

function idOf(command: LedgerCommand | DamagedCommand): { readonly kind: IdKind; readonly uuid: string } {
  switch (command.type) {
    case 'payflow.account.open.v1':
      return { kind: 'account', uuid: uuidOf('account', command.data.id) };
    case 'payflow.transfer.post.v1':
    case 'payflow.hold.post.v1':
      return { kind: 'transfer', uuid: uuidOf('transfer', command.data.id) };
    case 'payflow.group.post.v1':
    case 'payflow.conversion.post.v1':
    case 'payflow.transfer.reverse.v1':
    case 'payflow.transfer.correct.v1':
      return { kind: 'group', uuid: uuidOf('group', command.data.id) };
    case 'payflow.hold.place.v1':
      return { kind: 'hold', uuid: uuidOf('hold', command.data.id) };
    case 'payflow.account.update.v1':
    case 'payflow.asset.define.v1':
    case 'payflow.transfer.update.v1':
    case 'payflow.hold.void.v1':
    case 'payflow.period.close.v1':
    case 'payflow.transaction_type.define.v1':
      return { kind: 'change', uuid: uuidOf('event', command.id) };
    default:
      return command satisfies never;
  }
}
