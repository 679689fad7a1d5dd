import { InvariantTables1763700002000, SumsAreNoCards1764300000001 } from '@payflow/invariants';
import {
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  OutboxInOrder1764700000101,
  SetAsideInOrder1764700000201,
} from '@payflow/messaging';
import { ApiKeyEntity } from './api-key.entity.js';
import { GatewayTables1763700001000 } from './migrations/1763700001000-gateway-tables.js';
import { GatewayTransfers1763700003000 } from './migrations/1763700003000-gateway-transfers.js';
import { GatewayUnits1763700010001 } from './migrations/1763700010001-gateway-units.js';
import { GatewayConversions1763700010002 } from './migrations/1763700010002-gateway-conversions.js';
import { GatewayTransactionTypes1763700012002 } from './migrations/1763700012002-gateway-transaction-types.js';
import { GatewayBulks1763700011000 } from './migrations/1763700011000-gateway-bulks.js';
import { GatewayReversed1763700014000 } from './migrations/1763700014000-gateway-reversed.js';
import { GatewayCorrections1763700014001 } from './migrations/1763700014001-gateway-corrections.js';
import { GatewayMetadataVersions1763700014002 } from './migrations/1763700014002-gateway-metadata-versions.js';
import { GatewayTransferLists1763700014003 } from './migrations/1763700014003-gateway-transfer-lists.js';
import { GatewayKeyUses1764100010001 } from './migrations/1764100010001-gateway-key-uses.js';
import { GatewayMetadataStatistics1764100040005 } from './migrations/1764100040005-gateway-metadata-statistics.js';
import { GatewayClientIds1764100060001 } from './migrations/1764100060001-gateway-client-ids.js';
import { GatewayConversionLists1764100060003 } from './migrations/1764100060003-gateway-conversion-lists.js';
import { GatewayHoldTypes1764100060005 } from './migrations/1764100060005-gateway-hold-types.js';
import { GatewayProviderWebhooks1764200700001 } from './migrations/1764200700001-gateway-provider-webhooks.js';
import { GatewayPaymentLife1764200200001 } from './migrations/1764200200001-gateway-payment-life.js';
import { GatewayDisputes1764200700003 } from './migrations/1764200700003-gateway-disputes.js';
import { GatewayLimits1764200600002 } from './migrations/1764200600002-gateway-limits.js';
import { GatewayPaymentDivisions1764200800002 } from './migrations/1764200800002-gateway-payment-divisions.js';
import { GatewayOwnWrites1764400100001 } from './migrations/1764400100001-gateway-own-writes.js';
import { GatewayIdentity1764400100002 } from './migrations/1764400100002-gateway-identity.js';
import { GatewayAuditLog1764400200002 } from './migrations/1764400200002-gateway-audit-log.js';
import { GatewayWalls1764400200001 } from './migrations/1764400200001-gateway-walls.js';
import { GatewayLists1764400300001 } from './migrations/1764400300001-gateway-lists.js';
import { GatewayMetadataStatistics1764400300002 } from './migrations/1764400300002-gateway-metadata-statistics.js';
import { GatewayHistory1764400300003 } from './migrations/1764400300003-gateway-history.js';
import { GatewayWalledLists1764400300005 } from './migrations/1764400300005-gateway-walled-lists.js';
import { GatewayHistoryIndexes1764400300004 } from './migrations/1764400300004-gateway-history-indexes.js';
import { GatewayTestSpaces1764400800001 } from './migrations/1764400800001-gateway-test-spaces.js';
import { GatewayWatch1764400400001 } from './migrations/1764400400001-gateway-watch.js';
import { GatewayBlocksOfOrganisations1764401200001 } from './migrations/1764401200001-gateway-blocks-of-organisations.js';
import { GatewayBlockIndex1764401200002 } from './migrations/1764401200002-gateway-block-index.js';
import { GatewayUncountedViews1764700000001 } from './migrations/1764700000001-gateway-uncounted-views.js';
import { GatewayDisputedTransfers1764700000003 } from './migrations/1764700000003-gateway-disputed-transfers.js';
import { GatewayMarksBegan1764700000004 } from './migrations/1764700000004-gateway-marks-began.js';
import { GatewayKeyVersions1764700000161 } from './migrations/1764700000161-gateway-key-versions.js';
import { rights } from './rights.js';
import { TenantEntity } from './tenant.entity.js';

/** What `payflow setup` runs on the gateway's database, in order, and the rights that its role has then. */
export const migrations = [
  MessagingTables1763700000000,
  GatewayTables1763700001000,
  InvariantTables1763700002000,
  GatewayTransfers1763700003000,
  GatewayUnits1763700010001,
  GatewayConversions1763700010002,
  GatewayBulks1763700011000,
  GatewayTransactionTypes1763700012002,
  MessagingGuards1763700013000,
  GatewayReversed1763700014000,
  GatewayCorrections1763700014001,
  GatewayMetadataVersions1763700014002,
  GatewayTransferLists1763700014003,
  GatewayKeyUses1764100010001,
  MessagingPartitions1764100040001,
  GatewayMetadataStatistics1764100040005,
  GatewayClientIds1764100060001,
  GatewayConversionLists1764100060003,
  GatewayHoldTypes1764100060005,
  GatewayProviderWebhooks1764200700001,
  GatewayPaymentLife1764200200001,
  GatewayDisputes1764200700003,
  GatewayLimits1764200600002,
  GatewayPaymentDivisions1764200800002,
  SumsAreNoCards1764300000001,
  GatewayOwnWrites1764400100001,
  GatewayIdentity1764400100002,
  GatewayWalls1764400200001,
  GatewayAuditLog1764400200002,
  GatewayLists1764400300001,
  GatewayMetadataStatistics1764400300002,
  GatewayHistory1764400300003,
  GatewayHistoryIndexes1764400300004,
  GatewayWalledLists1764400300005,
  GatewayWatch1764400400001,
  GatewayTestSpaces1764400800001,
  GatewayBlocksOfOrganisations1764401200001,
  GatewayBlockIndex1764401200002,
  GatewayUncountedViews1764700000001,
  GatewayDisputedTransfers1764700000003,
  GatewayMarksBegan1764700000004,
  OutboxInOrder1764700000101,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  GatewayKeyVersions1764700000161,
  SetAsideInOrder1764700000201,
  rights,
];

export { invariants } from './invariants.js';

export const entities = [TenantEntity, ApiKeyEntity];

export { listBlocks, wishLift } from './access-block.repository.js';
export { createApiKey, createTenant, findApiKey, hashApiKey, type ApiKey } from './api-key.repository.js';
export { addOrganisation, AlreadyBootstrapped, bootstrap, type Beginning, type Begun } from '../identity/bootstrap.js';
export { SCOPES, type Scope } from '../domain/scope.js';
