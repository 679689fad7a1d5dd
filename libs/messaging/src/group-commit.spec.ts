import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GroupCommit, type GroupCommitOptions } from './group-commit.js';

interface Member {
  readonly id: string;
  readonly key?: string;
}

/** A database whose transactions end when the test says so. */
class Commits {
  readonly groups: string[][] = [];
  readonly #ends: (() => void)[] = [];

  readonly commit = (group: readonly Member[]): Promise<string[]> => {
    this.groups.push(group.map(({ id }) => id));
    return new Promise((resolve) => this.#ends.push(() => resolve(group.map(({ id }) => `done ${id}`))));
  };

  async end(): Promise<void> {
    this.#ends.shift()?.();
    await turns();
  }
}

// Time goes on when the test says so, however busy the machine is.
beforeEach(() => void vi.useFakeTimers({ toFake: [...TIMERS, 'performance'] }));
afterEach(() => void vi.useRealTimers());
const TIMERS = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
] as const;

const OPTIONS = {
  ...{ weight_max: 256, pace: { quiet_per_s: 100, gather_ms_per_rate: 0.02, gather_ms_max: 20 } },
  identities: ({ key, id }: Member) => [key ?? id],
  patience: { members_max: 4_096, weight_max: 65_536, wait_max_ms: 800, commit_max_ms: 3_000 },
};
const groupsOf = (
  options: Pick<GroupCommitOptions<Member, string>, 'commit'> & Partial<GroupCommitOptions<Member, string>>,
) => new GroupCommit<Member, string>({ ...OPTIONS, ...options });

/** More than any group gathers for. */
const turns = async (): Promise<void> => void (await vi.advanceTimersByTimeAsync(50));

function grouping() {
  const commits = new Commits();
  const groups = groupsOf({ commit: commits.commit });
  return { commits, groups, submit: (...ids: string[]) => ids.map((id) => groups.submit({ id })) };
}

it('takes what came in one turn as one group, and answers each member with its own result', async () => {
  const { commits, submit } = grouping();
  const results = submit('a', 'b', 'c');
  await turns();
  await commits.end();
  expect(commits.groups).toEqual([['a', 'b', 'c']]);
  expect(await Promise.all(results)).toEqual(['done a', 'done b', 'done c']);
});

it('runs two groups at a time; the next takes what gathered meanwhile', async () => {
  const { commits, submit } = grouping();
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    submit(id);
    await turns();
  }
  expect(commits.groups).toEqual([['a'], ['b']]);
  await commits.end();
  expect(commits.groups).toEqual([['a'], ['b'], ['c', 'd', 'e']]);
});

it('never puts two members with one identity into a group', async () => {
  const { commits, groups } = grouping();
  for (const id of ['a', 'b', 'c']) void groups.submit({ id, key: 'same' });
  void groups.submit({ id: 'd' });
  await turns();
  expect(commits.groups).toEqual([['a', 'd'], ['b']]);
  await commits.end();
  expect(commits.groups).toEqual([['a', 'd'], ['b'], ['c']]);
});

it('keeps a group to 256 members', async () => {
  const { commits, submit } = grouping();
  submit(...Array.from({ length: 300 }, (_, at) => `${at}`));
  await turns();
  expect(commits.groups.map(({ length }) => length)).toEqual([256, 44]);
});

it('keeps a group to a weight of 256, and lets what is heavier go alone', async () => {
  const commits = new Commits();
  const groups = groupsOf({ commit: commits.commit, weight: ({ id }) => Number(id) });
  for (const id of ['200', '57', '1000', '56', '1']) void groups.submit({ id });
  await turns();
  await commits.end();
  await commits.end();
  expect(commits.groups).toEqual([['200', '56'], ['57', '1'], ['1000']]);
});

it('refuses when what waits is too heavy, and takes more when it is gone', async () => {
  const commits = new Commits();
  const groups = groupsOf({ commit: commits.commit, weight: () => 40_000 });
  for (const id of ['a', 'b']) void groups.submit({ id });
  await expect(groups.submit({ id: 'c' })).rejects.toThrow('too many');
  await turns();
  expect(commits.groups).toEqual([['a'], ['b']]);
  const taken = groups.submit({ id: 'd' });
  await commits.end();
  await commits.end();
  await commits.end();
  expect(await taken).toBe('done d');
});

it('refuses when too many wait, and what waited too long', async () => {
  const { commits, groups, submit } = grouping();
  submit('a');
  await turns();
  submit('b');
  await turns();
  const waiting = submit(...Array.from({ length: 4_096 }, (_, at) => `${at}`));
  await expect(groups.submit({ id: 'one too many' })).rejects.toThrow('too many');
  const ends = Promise.allSettled(waiting);
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(waiting[0]).rejects.toThrow('waited too long');
  expect((await ends).every(({ status }) => status === 'rejected')).toBe(true);
  expect(commits.groups).toEqual([['a'], ['b']]);
});

it('gives a group up that has no answer for too long, and has room for another', async () => {
  const { commits, submit } = grouping();
  const [lost] = submit('a');
  const [other] = submit('b').map((one) => one.catch((error: Error) => error.message));
  await turns();
  expect(commits.groups).toEqual([['a', 'b']]);
  const ends = Promise.allSettled([lost]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await ends).toMatchObject([{ status: 'rejected' }]);
  expect(await other).toBe('the database does not answer');
});

it('refuses nobody where nobody is to be refused, however many wait and however long', async () => {
  const commits = new Commits();
  const groups = new GroupCommit<Member, string>({
    ...{ commit: commits.commit, identities: OPTIONS.identities, weight_max: 10_000, pace: OPTIONS.pace },
  });
  const first: Promise<string>[] = [];
  for (const id of ['a', 'b']) {
    first.push(groups.submit({ id }));
    await turns();
  }
  const waiting = Array.from({ length: 5_000 }, (_, at) => groups.submit({ id: `${at}` }));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(groups.waiting).toBe(5_000);
  await commits.end();
  await commits.end();
  await commits.end();
  expect(await Promise.all([...first, ...waiting])).toHaveLength(5_002);
  expect(commits.groups.at(-1)).toHaveLength(5_000);
});

it('passes an error on to every member of the group, and goes on', async () => {
  let failing = true;
  const groups = groupsOf({
    commit: async (group) => (failing ? Promise.reject(new Error('no database')) : group.map(({ id }) => id)),
  });
  const both = Promise.allSettled([groups.submit({ id: 'a' }), groups.submit({ id: 'b' })]);
  await turns();
  const failed = await both;
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  failing = false;
  const next = groups.submit({ id: 'c' });
  await turns();
  expect(await next).toBe('c');
});
