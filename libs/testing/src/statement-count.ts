import { AsyncLocalStorage } from 'node:async_hooks';
import { onStatement } from '@payflow/database';

/** What an ORM made up has no name. */
const UNNAMED = 'unnamed';

const counting = new AsyncLocalStorage<string[]>();
let isListening = false;

/**
 * The names of the statements that the work executes, in the order of their answers: its own alone, whatever else runs in this
 * process. A request must be injected into its server for that (`inject`), because one that comes over a socket is not the
 * work's. One statement too many per row, and the count grows with the rows: assert it for one and for many.
 */
export async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  if (!isListening) {
    isListening = true;
    onStatement(({ name }) => counting.getStore()?.push(name ?? UNNAMED));
  }
  const names: string[] = [];
  await counting.run(names, work);
  return names;
}
