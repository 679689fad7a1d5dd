import { isAssetCode } from './asset.js';

const UNIT_CODE = /^[A-Z][A-Z0-9]{3,11}$/;
/** What ISO 4217 names, or may name one day, has three letters. */
const CURRENCY_CODE = /^[A-Z]{3}$/;

/** Codes of four letters and more under which crypto assets are traded widely, and which PayFlow may keep books in one day. */
const TRADED =
  'AAVE ALGO ATOM AVAX BUSD CBETH DASH DOGE EURC EURS FDUSD GUSD HBAR IOTA LUNA MATIC PAXG PEPE PYUSD QTUM RETH RLUSD SHIB ' +
  'STETH TUSD USD1 USDC USDD USDE USDG USDP USDS USDT WBTC WETH WSOL WSTETH';
const TRADED_CODES: ReadonlySet<string> = new Set(TRADED.split(' '));

/** True where a code is that of a currency or a crypto asset, or may become it: no tenant can have it. */
export function isReservedCode(code: string): boolean {
  return isAssetCode(code) || CURRENCY_CODE.test(code) || TRADED_CODES.has(code);
}

/**
 * True for a code that a tenant may define a unit under (points, airtime): 4 to 12 letters and digits in upper case, a letter
 * first, and not {@link isReservedCode}. Whether one has, only its books know.
 */
export function isUnitCode(code: unknown): code is string {
  return typeof code === 'string' && UNIT_CODE.test(code) && !isReservedCode(code);
}
