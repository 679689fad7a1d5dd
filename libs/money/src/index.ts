export { ASSETS, asset, FIAT_TABLE_DATE, isAssetCode, type Asset, type AssetKind } from './asset.js';
export { isReservedCode, isUnitCode } from './unit.js';
export { convert, type Rate } from './rate.js';
export { AMOUNT_MAX, formatAmount, parseAmount, parseSignedAmount } from './amount.js';
export { allocate } from './allocation.js';
export { sharesOf } from './shares.js';
