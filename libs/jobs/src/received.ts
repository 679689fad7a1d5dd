import type { Job as QueuedJob } from 'graphile-worker';
import type { HeldJob } from './database/job-worker.repository.js';

/**
 * What has come to this process from the queue and has not been seen to leave it. Where a connection dies between the COMMIT that
 * takes jobs and its reply, the queue holds them for a process that lives and knows nothing of them: it alone can tell.
 */
export class Received {
  private readonly since_ms = new Map<string, number>();

  note(jobs: readonly Pick<QueuedJob, 'id' | 'locked_at'>[]): void {
    for (const { id, locked_at } of jobs) if (locked_at) this.since_ms.set(id, locked_at.getTime());
  }

  /** Of what the queue says that it holds for this process, the ids of what has not come. What it holds no more is forgotten. */
  async unheard(readHeld: () => Promise<HeldJob[]>): Promise<string[]> {
    // What comes while the queue is read may be missing in what is read.
    const before = [...this.since_ms];
    const held = new Map((await readHeld()).map(({ id, locked_at }) => [id, locked_at.getTime()]));
    for (const [id, since_ms] of before)
      if (held.get(id) !== since_ms && this.since_ms.get(id) === since_ms) this.since_ms.delete(id);
    return [...held].filter(([id, since_ms]) => this.since_ms.get(id) !== since_ms).map(([id]) => id);
  }
}
