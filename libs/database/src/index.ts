export { LIMITS, sizeText, type Advice, type Limits } from './advice/advice.js';
export { statementCounts, type StatementCount } from './advice/busiest.js';
export { realIndexes, tryOut } from './advice/hypothetical.js';
export { reportFrom, suggest, type AdviceToTake, type DatabaseReport, type TableSize } from './advice/report.js';
export { MaintenanceRefused, maintain, type Maintained } from './maintenance/maintain.js';
export { MAINTENANCE_KINDS, type MaintenanceKind, type MaintenanceStep } from './maintenance/steps.js';
export { parseWindow, type Window } from './maintenance/window.js';
export { joinJson } from './array.js';
export { bigintArray, hexArray, sparse, uuidArray } from './binary-array.js';
export { capacityOf, type Capacity } from './capacity.js';
export { Unnested, type BulkColumn, type BulkType } from './bulk.js';
export { copyRows } from './copy.js';
export { explain, explainAsText, onOwnConnection, type Explaining, type PlanNode } from './care/explain.js';
export { SlowStatements, type SlowStatement } from './care/slow-statements.js';
export { onStatement, type StatementExecution } from './care/statement-events.js';
export { Session, type SessionOptions } from './session.js';
export { openDatabase, type Database, type DatabaseOptions } from './database.js';
export {
  isConnectionLoss,
  isDeterministic,
  isPartitionMissing,
  isSerializationConflict,
  isStatementTimeout,
  isUniqueViolation,
  OutcomeUnknown,
  PoolExhausted,
  RunAgain,
  sqlState,
} from './errors.js';
export { excessOf, type Excess } from './excess.js';
export { schemaGapOf, type SchemaGap } from './schema-gap.js';
export type { PoolStatus } from './pool/connection-pool.js';
export type { Purpose, Shares } from './pool/purpose.js';
export {
  inMilliseconds,
  ID_KEY,
  published,
  publishedKeyColumns,
  publishedKeys,
  publishedStates,
  type KeyColumn,
  type Published,
  type PublishedKey,
} from './published.js';
export { keyset, pagesOf, readPage, type Keyset, type KeysetPage } from './keyset.js';
export { dropProvisioned, provisionDatabase, type ProvisionedDatabase, type RolePasswords } from './provision.js';
export { PARTITION_FUNCTIONS, TRUNCATE_GUARDS } from './partitions.js';
export { parseReplicaUrl } from './replicas/replica-url.js';
export { PARTITION_UPKEEP } from './partition-upkeep.js';
export {
  PartitionMaintainer,
  type PartitionStep,
  type PartitionsAhead,
  type StepLeft,
} from './partition-maintainer.js';
export type { Rights, TableRights } from './rights.js';
export { IndexMigration, type IndexDefinition } from './index-migration.js';
export { SqlMigration, runMigrations } from './migration.js';
export { dumpSchema } from './schema-dump.js';
export { statement, statementNamed, unprepared, type Statement } from './statement.js';
export { SideBySide, type Part } from './side-by-side.js';
export type { Plans } from './kept-plans.js';
export { Transaction, type Row } from './transaction.js';
export { EVERY_TENANT, WALLS, type Tenant } from './walls.js';
