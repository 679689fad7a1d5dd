import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for what one run leaves on disk: within the test run's own, where there is one. */
export function scratchDir(name: string): string {
  return join(process.env['PAYFLOW_TEST_DIR'] || join(tmpdir(), 'payflow-e2e'), name);
}
