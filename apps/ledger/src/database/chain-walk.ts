import { statement } from '@payflow/database';
import { foundAll, NOTHING_FOUND, together, type Part } from '@payflow/invariants';
import { CANONICAL_SQL, CHAINS, GENESIS } from './chain.js';
import { historySteps, inStep, STEP_TRANSFERS } from './history-steps.js';

interface End {
  readonly chain: number;
  readonly position: string;
  /** Hexadecimal. */
  readonly hash: string;
}

/** Links of a chain come in the order of their transactions: those of a step hang on where the steps before it ended. */
const LINKS = statement(
  'chains.links-of-step',
  `with links as materialized (
     select t.id, t.chain, t.chain_position, t.chain_hash, ${CANONICAL_SQL} as canonical from transfers t where ${inStep('t')}),
   linked as (
     select id, chain, chain_position, chain_hash, canonical,
       coalesce(lag(chain_position) over of_chain, b.position::bigint, 0) as position_before,
       coalesce(encode(lag(chain_hash) over of_chain, 'hex'), b.hash, '${GENESIS.hash}') as hash_before
     from links left join json_to_recordset($3::json) as b (chain smallint, position text, hash text) using (chain)
     window of_chain as (partition by chain order by chain_position, id)),
   broken as (
     select 'transfers/' || id as id, row_number() over (order by chain, chain_position, id) as nth from linked
     where chain_position <> position_before + 1
       or chain_hash <> sha256(convert_to(hash_before || '|' || chain_position || '|' || canonical, 'UTF8'))),
   last as (
     select distinct on (chain) chain, chain_position::text as position, encode(chain_hash, 'hex') as hash from links
     order by chain, links.chain_position desc, id desc)
   select (select count(*)::integer from broken) as violations,
     array(select id from broken order by nth limit 10) as sample,
     coalesce((select json_agg(last) from last), '[]') as ends,
     (select coalesce(json_agg(json_build_object('chain', chain, 'position', position::text, 'hash', encode(hash, 'hex'))), '[]') from chains) as heads`,
);

interface LinksRow extends Record<string, unknown> {
  readonly violations: number;
  readonly sample: string[];
  readonly ends: readonly End[];
  readonly heads: readonly End[];
}

/** Every link anew, from the first on: those that do not follow from the one before, and chains that do not end where their head says. */
export function brokenChains(step_transfers = STEP_TRANSFERS): Part {
  return async (db) => {
    let found = NOTHING_FOUND;
    let heads: readonly End[] = [];
    const ends = new Map<number, End>();
    for await (const { from, to } of historySteps(db, step_transfers)) {
      const [row] = await db.rows<LinksRow>(LINKS, [from, to, JSON.stringify([...ends.values()])]);
      if (!row) continue;
      found = together(found, row);
      for (const end of row.ends) ends.set(end.chain, end);
      // Those of the last step are as the chains stood in it.
      heads = row.heads;
    }
    return together(found, foundAll(otherwiseEnded(ends, heads)));
  };
}

/** Where the head of a chain is gone, too. */
function otherwiseEnded(ends: ReadonlyMap<number, End>, heads: readonly End[]): string[] {
  const headOf = new Map(heads.map((head) => [head.chain, head]));
  return Array.from({ length: CHAINS }, (_, chain) => chain).flatMap((chain) => {
    const head = headOf.get(chain);
    const { position, hash } = ends.get(chain) ?? GENESIS;
    return head?.position === String(position) && head.hash === hash ? [] : [`chains/${chain}`];
  });
}
