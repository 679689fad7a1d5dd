export { joinJson } from './array.js';
export { openDatabase, type Database, type DatabaseOptions } from './database.js';
export {
  isConnectionLoss,
  isDeterministic,
  isSerializationConflict,
  isStatementTimeout,
  isUniqueViolation,
  OutcomeUnknown,
  RunAgain,
  sqlState,
} from './errors.js';
export { provisionDatabase, type ProvisionedDatabase } from './provision.js';
export { PARTITION_FUNCTIONS } from './partitions.js';
export { SqlMigration, runMigrations } from './migration.js';
export { dumpSchema } from './schema-dump.js';
export { statement, type Statement } from './statement.js';
export { Transaction, type Row } from './transaction.js';
