/** Span attributes of PayFlow's own; everything else is named by OpenTelemetry's semantic conventions. */
export const ATTRIBUTES = {
  paymentId: 'payflow.payment.id',
  accountId: 'payflow.account.id',
  transferId: 'payflow.transfer.id',
  transferGroupId: 'payflow.transfer_group.id',
  transferBulkId: 'payflow.transfer_bulk.id',
  holdId: 'payflow.hold.id',
  tenant: 'payflow.tenant.id',
  outcome: 'payflow.outcome',
  group: 'messaging.consumer.group.name',
  messageType: 'cloudevents.event_type',
  messageId: 'cloudevents.event_id',
} as const;

/** Prometheus metrics of PayFlow's own (base units in the name, as Prometheus wants). */
export const METRICS = {
  httpServerDuration: 'http_server_request_duration_seconds',
  consumerMessages: 'payflow_consumer_messages_total',
  consumerBatchDuration: 'payflow_consumer_batch_duration_seconds',
  consumerParked: 'payflow_consumer_parked_messages',
  consumerDeadLetters: 'payflow_consumer_dead_letters',
  consumerOverdue: 'payflow_consumer_overdue_commands',
  consumerPaused: 'payflow_consumer_paused_partitions',
  consumerLagMessages: 'payflow_consumer_lag_messages',
  consumerLagSeconds: 'payflow_consumer_lag_seconds',
  producerMessages: 'payflow_producer_messages_total',
  producerErrors: 'payflow_producer_errors_total',
  outboxOldestSeconds: 'payflow_outbox_oldest_unpublished_seconds',
  invariantViolations: 'payflow_invariant_violations',
  invariantCheckedAt: 'payflow_invariant_checked_timestamp_seconds',
  serviceReady: 'payflow_service_ready',
  partitionsAhead: 'payflow_partitions_ahead',
  databasePool: 'payflow_database_pool_connections',
  databaseStatements: 'payflow_database_statements_total',
  databaseSlowStatements: 'payflow_database_slow_statements_total',
  cacheRequests: 'payflow_cache_requests_total',
  redisErrors: 'payflow_redis_errors_total',
} as const;
