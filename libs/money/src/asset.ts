export type AssetKind = 'fiat' | 'crypto';

export interface Asset {
  readonly code: string;
  /** Digits after the decimal point: 1 unit = 10^scale minor units. */
  readonly scale: number;
  readonly kind: AssetKind;
}

/** The day of the ISO 4217 table that the currencies and their digits were taken from. */
export const FIAT_TABLE_DATE = '2024-06-25';

/** Minor-unit digits of that table for the currencies in circulation that PayFlow accepts, by scale. */
const FIAT: Record<number, string> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2:
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC ' +
    'CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES ' +
    'KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR ' +
    'NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT ' +
    'TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG',
  3: 'BHD IQD JOD KWD LYD OMR TND',
};

/** Crypto assets with the scale PayFlow books them in (ETH in gwei, so that a 64-bit integer holds any real sum). */
const CRYPTO: readonly Asset[] = [
  { code: 'BTC', scale: 8, kind: 'crypto' },
  { code: 'ETH', scale: 9, kind: 'crypto' },
  { code: 'SOL', scale: 9, kind: 'crypto' },
  { code: 'USDC', scale: 6, kind: 'crypto' },
];

/** Every asset PayFlow knows, by code. */
export const ASSETS: ReadonlyMap<string, Asset> = new Map(
  [...fiat(), ...CRYPTO].sort((a, b) => a.code.localeCompare(b.code)).map((asset) => [asset.code, asset]),
);

function fiat(): Asset[] {
  return Object.entries(FIAT).flatMap(([scale, codes]) =>
    codes.split(' ').map((code): Asset => ({ code, scale: Number(scale), kind: 'fiat' })),
  );
}

/** True for the code of a known asset; codes are case-sensitive. */
export function isAssetCode(code: unknown): code is string {
  return typeof code === 'string' && ASSETS.has(code);
}

/** The asset of a known code. Throws on an unknown one: check with {@link isAssetCode} at the edge. */
export function asset(code: string): Asset {
  const found = ASSETS.get(code);
  if (!found) throw new Error(`unknown asset code`);
  return found;
}
