import { SqlMigration } from '@payflow/database';

/**
 * Who works on the queue and how far they are, and what the service may do in the queue's schema. Row level security there has
 * no policy and would hide every row from all but the owner: rights are given table by table here, and nothing else is.
 */
export class JobTables1764200500002 extends SqlMigration {
  readonly sql = `
create table job_workers (
  id text primary key check (length(id) between 1 and 128),
  started_at timestamptz not null default clock_timestamp(),
  -- One that has not been seen for long is gone, and what it held is taken by others.
  seen_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

create table job_progress (
  job_id bigint primary key,
  percent smallint not null check (percent between 0 and 100),
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- What operators made of dead jobs: the queue itself forgets them.
create table job_decisions (
  id bigint generated always as identity primary key,
  job_id bigint not null,
  name text not null,
  decision text not null check (decision in ('redriven', 'discarded')),
  data json,
  last_error text,
  actor text not null check (length(actor) between 1 and 255),
  reason text not null check (length(reason) between 1 and 255),
  decided_at timestamptz not null default clock_timestamp()
);

alter table graphile_worker._private_jobs disable row level security;
alter table graphile_worker._private_tasks disable row level security;
alter table graphile_worker._private_job_queues disable row level security;

do $$
declare
  app constant text := current_database();
  reader constant text := current_database() || '_reader';
begin
  execute format('grant usage on schema graphile_worker to %I, %I', app, reader);
  execute format('grant select on graphile_worker.migrations, graphile_worker._private_jobs, graphile_worker._private_tasks,
    graphile_worker._private_job_queues to %I, %I', app, reader);
  execute format('grant insert on graphile_worker._private_jobs, graphile_worker._private_tasks, graphile_worker._private_job_queues to %I', app);
  execute format('grant update, delete on graphile_worker._private_jobs to %I', app);
  execute format('grant update on graphile_worker._private_job_queues to %I', app);
  execute format('grant execute on function graphile_worker.add_jobs, graphile_worker.complete_jobs, graphile_worker.reschedule_jobs,
    graphile_worker.force_unlock_workers to %I', app);
end $$;
`;
}
