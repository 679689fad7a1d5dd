import { fromUuid } from '@payflow/contracts';
import type { PaymentKey, PaymentState } from '@payflow/invariants';
import { configureLogging } from '@payflow/telemetry';
import { expect, it, vi } from 'vitest';
import { Acknowledged } from './acknowledged.js';
import type { HeldUp } from './held-up.js';

const FREE: HeldUp = () => undefined;
const looked = async (acknowledged: Acknowledged) => (await acknowledged.look(FREE)).lost;

const tenant = '01a1fcfe-571f-7760-8a28-f5898d971e43';
const key = (nth: number): PaymentKey => ({
  tenant,
  livemode: false,
  id: `01a1fcfe-571f-7760-8a28-${String(nth).padStart(12, '0')}`,
});

/** A gateway and a payments service as their internal endpoints tell of them: payments by number, with what each says. */
function installation(
  shown: Record<number, string>,
  kept: Record<number, string | undefined>,
  { pageSize = 2, isAway = () => false }: { pageSize?: number; isAway?: (question: number) => boolean } = {},
) {
  const asked: string[] = [];
  const states = (from: Record<number, string | undefined>, keys: readonly PaymentKey[]): PaymentState[] =>
    keys.map((one) => ({ ...one, status: from[Number(one.id.slice(-12))] ?? null }));
  const all = () => Object.keys(shown).map(Number);
  const gateway = {
    json: async <T>(path: string, _limit: number, question?: object): Promise<T> => {
      asked.push(question ? 'again' : path);
      if (isAway(asked.length)) throw new Error('the gateway is away');
      if (question) return { data: states(shown, (question as { payments: PaymentKey[] }).payments) } as T;
      const place = new URL(path, 'http://gateway').searchParams.get('after') ?? '';
      const from = place.startsWith('nth') ? Number(place.slice(3)) : -1;
      const page = all()
        .filter((nth) => nth > from)
        .slice(0, pageSize);
      const next = page.length > 0 ? `nth${page.at(-1)}` : null;
      return { data: states(shown, page.map(key)), next, more: page.length === pageSize } as T;
    },
  };
  const payments = {
    json: async <T>(_path: string, _limit: number, question?: object): Promise<T> =>
      ({ data: states(kept, (question as { payments: PaymentKey[] }).payments) }) as T,
  };
  return { acknowledged: new Acknowledged(gateway, payments), asked };
}

it('finds nothing where both say the same, and reads each page once', async () => {
  const shown = { 1: 'succeeded', 2: 'failed', 3: 'pending' };
  const { acknowledged, asked } = installation(shown, { 1: 'succeeded', 2: 'failed', 3: 'processing' });
  expect(await looked(acknowledged)).toEqual([]);
  expect(asked).toHaveLength(2);
  expect(await looked(acknowledged)).toEqual([]);
  expect(asked).toHaveLength(3);
});

it('names a payment that payments does not have, and one that ended otherwise, at the second look', async () => {
  const kept: Record<number, string | undefined> = { 1: undefined, 2: 'failed', 3: 'succeeded' };
  const { acknowledged } = installation({ 1: 'pending', 2: 'succeeded', 3: 'succeeded' }, kept);
  expect(await looked(acknowledged)).toEqual([]);
  const lost = [
    `${fromUuid('payment', key(1).id)} (pending at the gateway, absent at payments)`,
    `${fromUuid('payment', key(2).id)} (succeeded at the gateway, failed at payments)`,
  ];
  expect(await looked(acknowledged)).toEqual(lost);
  expect(await looked(acknowledged)).toEqual(lost);
  kept[1] = 'processing';
  expect(await looked(acknowledged)).toEqual(lost.slice(1));
});

it('forgives what was only on its way', async () => {
  const kept: Record<number, string | undefined> = { 1: 'succeeded' };
  const shown: Record<number, string> = { 1: 'pending' };
  const { acknowledged } = installation(shown, kept);
  expect(await looked(acknowledged)).toEqual([]);
  shown[1] = 'succeeded';
  expect(await looked(acknowledged)).toEqual([]);
});

it('keeps what it has found where the page behind it cannot be read', async () => {
  const shown = { 1: 'pending', 2: 'failed', 3: 'succeeded' };
  const { acknowledged } = installation(
    shown,
    { 2: 'failed', 3: 'succeeded' },
    { isAway: (question) => question === 2 },
  );
  await expect(looked(acknowledged)).rejects.toThrow('away');
  const lost = [`${fromUuid('payment', key(1).id)} (pending at the gateway, absent at payments)`];
  expect(await looked(acknowledged)).toEqual(lost);
  expect(await looked(acknowledged)).toEqual(lost);
});

it('says that it leaves some out where it could not look for so long', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line) => void lines.push(line) } });
  vi.useFakeTimers({ toFake: ['Date'] });
  let isAway = false;
  const gateway = {
    json: async <T>(): Promise<T> => {
      if (isAway) throw new Error('the gateway is away');
      return { data: [], next: `${(Date.now() - 30_000) * 1_000}/${key(1).id}`, more: false } as T;
    },
  };
  const acknowledged = new Acknowledged(gateway, { json: <T>() => Promise.reject<T>(new Error('nothing to ask')) });
  await looked(acknowledged);
  isAway = true;
  await expect(looked(acknowledged)).rejects.toThrow('away');
  vi.setSystemTime(Date.now() + 300_000);
  isAway = false;
  await looked(acknowledged);
  vi.useRealTimers();
  configureLogging({ level: 'silent' });
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'some acknowledged payments are not looked at',
  ]);
});

it('begins no look long ago, and says when it leaves some out', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line) => void lines.push(line) } });
  const asked: number[] = [];
  const longAgo = '1600000000000000';
  const looking = (more: boolean) => {
    const gateway = {
      json: async <T>(path: string): Promise<T> => {
        asked.push(Number.parseInt(new URL(path, 'http://gateway').searchParams.get('after') ?? '', 10) / 1_000);
        return { data: [], next: `${longAgo}/${key(1).id}`, more } as T;
      },
    };
    return new Acknowledged(gateway, { json: <T>() => Promise.reject<T>(new Error('nothing to ask')) });
  };
  for (const more of [false, true]) {
    const acknowledged = looking(more);
    await looked(acknowledged);
    asked.length = 0;
    await looked(acknowledged);
    expect(Date.now() - (asked[0] ?? 0)).toBeLessThan(200_000);
  }
  configureLogging({ level: 'silent' });
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'some acknowledged payments are not looked at',
  ]);
});

it('names as many as can be asked for again, and says that it leaves some out', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line) => void lines.push(line) } });
  const shown = Object.fromEntries(Array.from({ length: 1_003 }, (_, nth) => [nth + 1, 'succeeded']));
  const { acknowledged } = installation(shown, {}, { pageSize: 1_000 });
  await looked(acknowledged);
  expect(await looked(acknowledged)).toHaveLength(1_000);
  configureLogging({ level: 'silent' });
  expect(lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([
    { msg: 'more acknowledged payments seem lost than are looked at again', left_out: 3 },
  ]);
});

it('leaves none out for being late: what there is no room for is read again', async () => {
  const nths = Array.from({ length: 1_500 }, (_, nth) => nth + 1);
  const kept: Record<number, string | undefined> = {};
  const { acknowledged } = installation(Object.fromEntries(nths.map((nth) => [nth, 'pending'])), kept, {
    pageSize: 1_000,
  });
  const held: HeldUp = () => 'the outbox is not sent';
  for (let look = 0; look < 3; look++)
    expect(await acknowledged.look(held)).toEqual({
      lost: [],
      not_comparable: [
        ...(look === 0 ? [] : ['the outbox is not sent']),
        'more payments are late than are asked for again',
      ],
    });
  for (const nth of nths) kept[nth] = nth === 1_400 ? undefined : 'processing';
  expect([await looked(acknowledged), await looked(acknowledged)]).toEqual([
    [],
    [`${fromUuid('payment', key(1_400).id)} (pending at the gateway, absent at payments)`],
  ]);
});

it('begins anew where its clock was set back, and names what it had found once', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const made = new Map<number, number>();
  const states = (keys: readonly PaymentKey[], status: string | null) => keys.map((one) => ({ ...one, status }));
  const gateway = {
    json: async <T>(path: string, _limit: number, question?: object): Promise<T> => {
      if (question) return { data: states((question as { payments: PaymentKey[] }).payments, 'succeeded') } as T;
      const after = Number.parseInt(new URL(path, 'http://gateway').searchParams.get('after') ?? '', 10) / 1_000;
      const page = [...made].filter(([, at]) => at > after && at < Date.now() - 30_000);
      const next = page.length > 0 ? `${Math.max(...page.map(([, at]) => at)) * 1_000}/${key(1).id}` : null;
      const keys = page.map(([nth]) => key(nth));
      return { data: states(keys, 'succeeded'), next, more: false } as T;
    },
  };
  const payments = {
    json: async <T>(_path: string, _limit: number, question?: object): Promise<T> =>
      ({ data: states((question as { payments: PaymentKey[] }).payments, null) }) as T,
  };
  const acknowledged = new Acknowledged(gateway, payments);
  const found = async () => (await looked(acknowledged)).map((one) => one.slice(0, one.indexOf(' ')));
  const named = (...nths: number[]) => nths.map((nth) => fromUuid('payment', key(nth).id));
  made.set(1, Date.now() - 31_000);
  await looked(acknowledged);
  expect(await found()).toEqual(named(1));
  vi.setSystemTime(Date.now() - 90_000);
  made.set(2, Date.now() - 31_000);
  await looked(acknowledged);
  expect(await found()).toEqual(named(1, 2));
  vi.setSystemTime(Date.now() + 100_000);
  await looked(acknowledged);
  expect(await found()).toEqual(named(1, 2));
  vi.useRealTimers();
});

it('takes nothing for lost that is held up on its way, says why, and tells of it once its way has been free for two looks', async () => {
  const kept: Record<number, string | undefined> = { 1: undefined, 2: 'succeeded', 3: 'failed', 4: undefined };
  const shown: Record<number, string> = { 1: 'pending', 2: 'authorized', 3: 'succeeded', 4: 'pending' };
  const { acknowledged } = installation(shown, kept);
  const held = new Map<string, string>([
    ['payments.commands', 'gateway has messages that are not published'],
    ['gateway.payments', 'gateway.payments/0 is behind'],
  ]);
  const heldUp: HeldUp = (group) => held.get(group);
  const otherwise = `${fromUuid('payment', key(3).id)} (succeeded at the gateway, failed at payments)`;
  expect(await acknowledged.look(heldUp)).toEqual({ lost: [], not_comparable: [] });
  for (let outage = 0; outage < 3; outage++)
    expect(await acknowledged.look(heldUp)).toEqual({ lost: [otherwise], not_comparable: [...held.values()] });
  held.clear();
  kept[4] = 'processing';
  expect(await acknowledged.look(heldUp)).toEqual({ lost: [otherwise], not_comparable: [] });
  shown[2] = 'succeeded';
  const lost = [`${fromUuid('payment', key(1).id)} (pending at the gateway, absent at payments)`, otherwise];
  const found = await acknowledged.look(heldUp);
  expect(found.not_comparable).toEqual([]);
  expect(found.lost.toSorted()).toEqual(lost.toSorted());
});
