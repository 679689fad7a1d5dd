import { createHash } from 'node:crypto';

/**
 * A number from 0 to 1 that the texts alone decide: for the same payment always the same, over many payments evenly spread.
 * So a share of the payments is a share, and a repeat goes where the first went.
 */
export function drawOf(...texts: readonly string[]): number {
  const hash = createHash('sha256').update(texts.join('\n')).digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}

/** All of them, drawn one after the other by weight; those without weight last, as they stand. */
export function drawn<T extends { readonly weight: number }>(all: readonly T[], ...seed: readonly string[]): T[] {
  const left = all.filter(({ weight }) => weight > 0);
  const order: T[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    let point = drawOf(...seed, String(order.length)) * total;
    // Rounding may leave a hair of the point over: that is the last one's.
    const at = left.findIndex(({ weight }) => (point -= weight) < 0);
    order.push(...left.splice(at < 0 ? left.length - 1 : at, 1));
  }
  return [...order, ...all.filter(({ weight }) => weight === 0)];
}
