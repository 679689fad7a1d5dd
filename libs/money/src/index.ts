export { ASSETS, asset, isAssetCode, type Asset, type AssetKind } from './asset.js';
export { AMOUNT_MAX, formatAmount, parseAmount, parseSignedAmount } from './amount.js';
export { allocate } from './allocation.js';
