import type { AnyMessage, MessageData, Refusable, Refusal } from '@payflow/contracts';
import type { Book } from './book.js';
import { acceptOpening, acceptUpdate, refuseOpening, refuseUpdate } from './verdicts/account.js';
import { acceptConversion } from './verdicts/conversion.js';
import { acceptCorrection } from './verdicts/correction.js';
import { acceptHold, acceptHoldPosting, acceptHoldVoid, refuseHold } from './verdicts/hold.js';
import { acceptReversal, acceptGroup, refuseGroup } from './verdicts/group.js';
import { acceptClosing, refuseClosing } from './verdicts/period.js';
import { acceptType, refuseType } from './verdicts/transaction-type.js';
import { acceptTransferUpdate, refuseTransferUpdate } from './verdicts/transfer-change.js';
import { acceptTransfer, refuseTransfer } from './verdicts/transfer.js';
import { acceptUnit, refuseUnit } from './verdicts/unit.js';

export type LedgerCommandType =
  | 'payflow.account.open.v1'
  | 'payflow.account.update.v1'
  | 'payflow.asset.define.v1'
  | 'payflow.transfer.post.v1'
  | 'payflow.group.post.v1'
  | 'payflow.conversion.post.v1'
  | 'payflow.transfer.reverse.v1'
  | 'payflow.transfer.correct.v1'
  | 'payflow.transfer.update.v1'
  | 'payflow.hold.place.v1'
  | 'payflow.hold.post.v1'
  | 'payflow.hold.void.v1'
  | 'payflow.period.close.v1'
  | 'payflow.transaction_type.define.v1';

export type LedgerCommand = AnyMessage<LedgerCommandType>;

/** A command that came damaged, as far as its refusal needs it. */
export type DamagedCommand = Refusable<LedgerCommandType>;

type VerdictType =
  | 'payflow.account.opened.v1'
  | 'payflow.account.rejected.v1'
  | 'payflow.account.updated.v1'
  | 'payflow.account.update_rejected.v1'
  | 'payflow.asset.defined.v1'
  | 'payflow.asset.rejected.v1'
  | 'payflow.transfer.posted.v1'
  | 'payflow.transfer.rejected.v1'
  | 'payflow.transfer.updated.v1'
  | 'payflow.transfer.update_rejected.v1'
  | 'payflow.group.posted.v1'
  | 'payflow.group.rejected.v1'
  | 'payflow.hold.placed.v1'
  | 'payflow.hold.posted.v1'
  | 'payflow.hold.voided.v1'
  | 'payflow.hold.rejected.v1'
  | 'payflow.period.closing.v1'
  | 'payflow.period.closed.v1'
  | 'payflow.period.rejected.v1'
  | 'payflow.transaction_type.defined.v1'
  | 'payflow.transaction_type.rejected.v1';

/** The ledger's word on one command: the event that answers it. */
export type Verdict = { [T in VerdictType]: { readonly type: T; readonly data: MessageData[T] } }[VerdictType];

/** Decides one command on the book and leaves its effect there. A refusal leaves nothing. */
export function decide(book: Book, command: LedgerCommand): Verdict {
  switch (command.type) {
    case 'payflow.account.open.v1':
      return acceptOpening(book, command, command.data);
    case 'payflow.account.update.v1':
      return acceptUpdate(book, command, command.data);
    case 'payflow.asset.define.v1':
      return acceptUnit(book, command, command.data);
    case 'payflow.transfer.post.v1':
      return acceptTransfer(book, command, command.data);
    case 'payflow.group.post.v1':
      return acceptGroup(book, command, command.data);
    case 'payflow.conversion.post.v1':
      return acceptConversion(book, command, command.data);
    case 'payflow.transfer.reverse.v1':
      return acceptReversal(book, command, command.data);
    case 'payflow.transfer.correct.v1':
      return acceptCorrection(book, command, command.data);
    case 'payflow.transfer.update.v1':
      return acceptTransferUpdate(book, command, command.data);
    case 'payflow.hold.place.v1':
      return acceptHold(book, command, command.data);
    case 'payflow.hold.post.v1':
      return acceptHoldPosting(book, command, command.data);
    case 'payflow.hold.void.v1':
      return acceptHoldVoid(book, command, command.data);
    case 'payflow.period.close.v1':
      return acceptClosing(book, command, command.data);
    case 'payflow.transaction_type.define.v1':
      return acceptType(book, command, command.data);
    default:
      return command satisfies never;
  }
}

/** The refusal of a command for a reason that is not in the books: discarded by an operator, damaged, or its id was used before. */
export function refuseCommand(command: LedgerCommand | DamagedCommand, reason: Refusal, now: string): Verdict {
  switch (command.type) {
    case 'payflow.account.open.v1':
      return refuseOpening(command.data.id, reason, now);
    case 'payflow.account.update.v1':
      return refuseUpdate(command.data.id, reason, now);
    case 'payflow.asset.define.v1':
      return refuseUnit(command.data.id, reason, now);
    case 'payflow.transfer.post.v1':
      return refuseTransfer(command.data, reason, now);
    case 'payflow.group.post.v1': {
      const { id, payment } = command.data;
      return refuseGroup(id, command.key, { reason, leg: null, payment }, now);
    }
    case 'payflow.conversion.post.v1':
    case 'payflow.transfer.reverse.v1':
    case 'payflow.transfer.correct.v1':
      return refuseGroup(command.data.id, command.key, { reason, leg: null }, now);
    case 'payflow.transfer.update.v1':
      return refuseTransferUpdate(command.data, reason, now);
    case 'payflow.hold.place.v1':
      return refuseHold({ ...command.data, operation: 'place', transfer: null }, reason, now);
    case 'payflow.hold.post.v1':
      return refuseHold(
        { ...command.data, id: command.data.hold, operation: 'post', transfer: command.data.id, payment: null },
        reason,
        now,
      );
    case 'payflow.hold.void.v1':
      return refuseHold({ ...command.data, operation: 'void', transfer: null, payment: null }, reason, now);
    case 'payflow.period.close.v1':
      return refuseClosing(command.data.id, reason, now);
    case 'payflow.transaction_type.define.v1':
      return refuseType(command.data.id, reason, now);
    default:
      return command satisfies never;
  }
}
