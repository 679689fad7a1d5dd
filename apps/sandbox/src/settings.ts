import type { SandboxConfiguration } from './sandbox.config.js';
import type { Chaos } from './scenarios.js';

/** How the server behaves as a whole; the test controls change it while it runs. */
export interface Settings {
  /** Every request under /v1 waits this long before it is worked on. */
  latency_ms: number;
  slow_ms: number;
  late_ms: number;
  /** Takes requests and does nothing with them. */
  silent: boolean;
  rate_limit: { readonly per_second: number; readonly retry_after_s: number } | null;
  chaos: number;
  /** Plays no scenario, whatever the token or the amount asks for: the acquirer that says yes where another does not. */
  plain: boolean;
}

export function settingsOf(config: SandboxConfiguration): Settings {
  return {
    latency_ms: config.SANDBOX_LATENCY,
    slow_ms: config.SANDBOX_SLOW,
    late_ms: config.SANDBOX_LATE,
    silent: false,
    rate_limit: null,
    chaos: config.SANDBOX_CHAOS,
    plain: false,
  };
}

export function chaosOf(settings: Settings, seed: string): Chaos {
  return { share: settings.chaos, seed };
}
