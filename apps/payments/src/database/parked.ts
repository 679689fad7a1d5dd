/** A subject that waits for its operator, as a subquery of SQL: what is said to its payment meanwhile lies behind it. */
export function parked(tenant: string, payment: string): string {
  return `select from parked_subjects s where typeid_uuid(s.tenant) = ${tenant} and typeid_uuid(s.record_key) = ${payment}`;
}
