import type { Database } from '@payflow/database';
import { readForwardedPage } from '@payflow/invariants';
import { NEWEST, versionsBefore, type Resource, type ToldMetadata } from '../database/metadata-version.repository.js';
import type { Owner } from '../domain/book.js';

export interface MetadataQuery {
  readonly limit: number;
  /** The version that the page before ended with. */
  readonly after: number | undefined;
}

/** One page of what the metadata of an account or a transfer has been, newest first. Undefined where there is neither. */
export async function metadataHistory(
  db: Database,
  of: { readonly owner: Owner; readonly of: Resource; readonly id: string },
  { limit, after }: MetadataQuery,
): Promise<object | undefined> {
  const { data, last } = await readForwardedPage(
    limit,
    (rows) => versionsBefore(db, of, { before: after ?? NEWEST, limit: rows }),
    versionResource,
  );
  if (data.length === 0 && after === undefined) return undefined;
  return { data, next: last ? String(last.version) : null };
}

function versionResource({ version, metadata, actor, recordedAt }: ToldMetadata) {
  return { object: 'metadata_version', version, metadata, actor, recorded_at: recordedAt.toISOString() };
}

/** Reads what `next` of the page before said; undefined when the text is something else. */
export function parseVersion(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}
