import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A WAL page. */
const PAGE = Buffer.alloc(8_192, 1);

/** How often a second this disk makes one page durable, one after another: the limit of one commit per transfer. */
export function fdatasyncsPerSecond(dir: string, count: number): number {
  const file = join(dir, `fdatasync-${process.pid}`);
  const descriptor = openSync(file, 'w');
  try {
    const startedAt = performance.now();
    for (let at = 0; at < count; at++) {
      writeSync(descriptor, PAGE);
      fdatasyncSync(descriptor);
    }
    return count / ((performance.now() - startedAt) / 1_000);
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
}
