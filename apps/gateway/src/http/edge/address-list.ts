import { BlockList, isIP } from 'node:net';

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** What stands before an IPv4 address in the mapped one. */
const MAPPED_BITS = 96;

interface Block {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Whether the text is one address or one CIDR block. */
export function isAddressBlock(text: string): boolean {
  return parse(text) !== undefined;
}

function parse(text: string): Block | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  // A zone names a network card of ours, and nothing that a caller comes from.
  if (version === 0 || address.includes('%') || rest.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  if (bits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  const length = bits === undefined ? most : Number(bits);
  return length > most ? undefined : { address, bits: length, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** By the list that they were made from: a key's is the same object for as long as it is kept in memory. */
const made = new WeakMap<readonly string[], BlockList>();

/** Whether a caller at this address may use what is bound to these blocks; none: from anywhere. */
export function isAllowed(address: string, blocks: readonly string[]): boolean {
  if (blocks.length === 0) return true;
  const plain = MAPPED.exec(address)?.[1] ?? address;
  const version = isIP(plain);
  return version !== 0 && listOf(blocks).check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

/** Whether whoever is let in from the block is let in from one of the others as well. */
export function isWithin(text: string, blocks: readonly string[]): boolean {
  const block = parse(text);
  if (!block) return false;
  return blocks.some((other) => {
    const wider = parse(other);
    if (!wider || widthOf(wider) > widthOf(block)) return false;
    return listOf([other]).check(block.address, block.family);
  });
}

/** Bits that all its addresses have alike, an IPv4 address taken as the mapped one that it is as IPv6. */
function widthOf({ bits, family }: Block): number {
  return family === 'ipv4' ? MAPPED_BITS + bits : bits;
}

function listOf(blocks: readonly string[]): BlockList {
  const known = made.get(blocks);
  if (known) return known;
  const list = new BlockList();
  for (const { address, bits, family } of blocks.map(parse).filter((block) => block !== undefined))
    list.addSubnet(address, bits, family);
  made.set(blocks, list);
  return list;
}
