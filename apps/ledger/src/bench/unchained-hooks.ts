import { registerHooks } from 'node:module';

/** Marks the second copy of the ledger's modules. */
const MARK = '?unchained';
const CHAIN = '/database/chain.js';
const SUBSTITUTE = new URL('./unchained.js', import.meta.url).href;

/**
 * Loads a second copy of a module of the ledger and of all it imports from the ledger, with the hashes left out of the chain.
 * Module resolution of this process alone does it: the product has no switch for it.
 */
export async function importUnchained<M>(url: URL): Promise<M> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (!context.parentURL?.endsWith(MARK) || !specifier.startsWith('.')) return resolved;
      return { ...resolved, url: resolved.url.endsWith(CHAIN) ? SUBSTITUTE : resolved.url + MARK };
    },
  });
  try {
    return (await import(url.href + MARK)) as M;
  } finally {
    hooks.deregister();
  }
}
