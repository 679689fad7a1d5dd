import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Authorization } from './domain/authorization.js';
import type { Dispute, Operation, Wish } from './domain/operation.js';

/** The answer that is kept under a key: a copy of the request gets these bytes. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Something to tell by webhook. */
export interface Event {
  readonly id: string;
  readonly type: string;
  readonly authorization: string;
  readonly body: string;
}

/** What happened, one line of the journal each. */
export type Line =
  | {
      readonly kind: 'done';
      readonly operation: Operation;
      /** As they are afterwards. */
      readonly authorization: Authorization;
      readonly dispute: Dispute | null;
      readonly kept: { readonly fingerprint: string; readonly answer: Answer } | null;
      readonly events: readonly Event[];
    }
  /** Accepted, to be done later. */
  | { readonly kind: 'accepted'; readonly wish: Wish; readonly scenario: string; readonly due: number }
  /** The merchant has taken a webhook, or will not be told again. */
  | { readonly kind: 'told'; readonly event: string };

/**
 * The memory that outlives a kill -9: one JSON line per happening, handed to the system before anybody hears of it. Not synced
 * to the disk: a simulator may forget when the machine dies.
 */
export interface Journal {
  /** Whether it is a file: then it must tell what the books tell. */
  readonly isWritten: boolean;
  /** All lines there are, oldest first. */
  read(): Line[];
  append(line: Line): void;
  clear(): void;
  close(): void;
}

export function openJournal(path: string | undefined): Journal {
  return path === undefined ? new MemoryJournal() : new FileJournal(path);
}

class MemoryJournal implements Journal {
  readonly isWritten = false;
  read(): Line[] {
    return [];
  }
  append(): void {}
  clear(): void {}
  close(): void {}
}

class FileJournal implements Journal {
  readonly isWritten = true;
  private readonly file: number;

  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    const last = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    this.file = openSync(path, 'a');
    // A kill in the middle of a write leaves half a line, of which nobody was told.
    ftruncateSync(this.file, last.lastIndexOf('\n') + 1);
  }

  read(): Line[] {
    return readFileSync(this.path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(decodeLine);
  }

  append(line: Line): void {
    const bytes = Buffer.from(`${encodeLine(line)}\n`);
    for (let at = 0; at < bytes.length;) at += writeSync(this.file, bytes, at);
  }

  clear(): void {
    ftruncateSync(this.file, 0);
  }

  close(): void {
    closeSync(this.file);
  }
}

const BIGINT = '$bigint';

/** JSON with sums as digits in an object of their own. */
function encodeLine(line: Line): string {
  return JSON.stringify(line, (_key, value: unknown) =>
    typeof value === 'bigint' ? { [BIGINT]: value.toString() } : value,
  );
}

function decodeLine(text: string): Line {
  return JSON.parse(text, (_key, value: unknown) => {
    const digits = (value as Record<string, unknown> | null)?.[BIGINT];
    return typeof digits === 'string' ? BigInt(digits) : value;
  }) as Line;
}
