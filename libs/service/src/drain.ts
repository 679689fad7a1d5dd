import { Injectable } from '@nestjs/common';
import { logger } from '@payflow/telemetry';

/**
 * What a stopping process does, in this order. `requests`: cut short what waits inside open requests; then HTTP closes and
 * the consumers stop; `flush`: send and save what is in memory; `pools`: let go of connections.
 */
export type DrainPhase = 'requests' | 'flush' | 'pools';

const log = logger('drain');

/** Collects what must be done before the process ends. */
@Injectable()
export class Drain {
  readonly #steps: Record<DrainPhase, { name: string; run: () => Promise<void> | void }[]> = {
    requests: [],
    flush: [],
    pools: [],
  };

  /** Registers a step of a phase; the steps of one phase run side by side, and one that fails stops none of the others. */
  on(phase: DrainPhase, name: string, run: () => Promise<void> | void): void {
    this.#steps[phase].push({ name, run });
  }

  async run(phase: DrainPhase): Promise<void> {
    await Promise.all(this.#steps[phase].map(({ name, run }) => attempt(name, run)));
  }
}

/** Runs one step of the drain; a failure is logged and the drain goes on. */
export async function attempt(name: string, run: () => Promise<unknown> | void): Promise<void> {
  try {
    await run();
  } catch (error) {
    log.error({ err: error, step: name }, 'a step of the drain failed');
  }
}
