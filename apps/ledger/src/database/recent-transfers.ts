/** The newest transfers that a check looks at while running: more than come between two checks. */
export const RECENT_TRANSFERS = 20_000;

/** Whole transactions: a batch that is seen in part would look as if it had lost the rest. */
export const RECENT = `(select * from transfers where xact_id > coalesce(
  (select xact_id from transfers order by xact_id desc offset ${RECENT_TRANSFERS} limit 1), '0'))`;

/** The events that tell of a transfer. */
export const POSTED = `('payflow.transfer.posted.v1', 'payflow.hold.posted.v1', 'payflow.group.posted.v1')`;
