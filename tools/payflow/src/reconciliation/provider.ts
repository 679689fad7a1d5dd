import { connectorFields, connectorNamed, connectorsOf } from '@payflow/connectors';
import { defineConfiguration, readConfiguration } from '@payflow/service';
import type { AskBooks } from './reconcile.js';

/** A provider that can be asked what it moved. */
export interface Provider {
  readonly ask: AskBooks;
  close(): Promise<void>;
}

/** Opens a connector by its name, configured by the same variables as the payments service. Throws where its provider shows no books. */
export function openProvider(name: string, env: NodeJS.ProcessEnv): Provider {
  const connectors = connectorsOf(readConfiguration(defineConfiguration('payflow', connectorFields), env));
  const connector = connectorNamed(connectors, name);
  const close = async () => {
    await Promise.all(connectors.map((one) => one.close()));
  };
  if (!connector)
    throw new Error(
      `there is no connector ${name}, or it is not configured: set ${name.toUpperCase()}_URL and ${name.toUpperCase()}_API_KEY as for the payments service`,
    );
  if (!connector.books) throw new Error(`${name} shows no books of its own`);
  const books = connector.books.bind(connector);
  return {
    ask: async (reference) =>
      (await books(reference, { signal: new AbortController().signal })).map((page) => ({
        asset: page.asset,
        captured: BigInt(page.captured),
        refunded: BigInt(page.refunded),
        disputed: BigInt(page.disputed) - BigInt(page.disputeReversed),
      })),
    close,
  };
}
