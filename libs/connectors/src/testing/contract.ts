import { DECLINES } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PROVIDER_ACTIONS,
  type Connector,
  type InquiryAnswer,
  type Notice,
  type ProviderAction,
  type ProviderAnswer,
  type ProviderRequest,
} from '../connector.js';
import { endsWhenClosed, firstOf, refusesByItself, type Asked } from './refusals.js';

/** How the provider is to behave. A connector's spec says how its provider is made to. */
export type Scenario =
  | 'succeeds'
  | 'declines'
  | 'wants_action'
  /** Sets aside, or takes, less than was asked, and says yes. */
  | 'approves_part'
  /** Does it and never answers. */
  | 'silent_after'
  /** Does it and answers 500. */
  | 'fails_after'
  /** Does it and cuts the line. */
  | 'cuts_after';

/** One provider, real or played, and a connector to it, whose calls end within a second or two. */
export interface ProviderUnderTest {
  readonly connector: Connector;
  /** The same connector to an address where nobody listens. */
  readonly refused: Connector;
  /**
   * A wish, by which the provider knows the scenario; a key and a payment of its own each time. What follows on a reference is for
   * a part of its sum.
   */
  wish(action: ProviderAction, scenario: Scenario, reference?: string | null): ProviderRequest;
  /** How often the provider has done what was wished under a key: by its books, so that what it did under another key counts too. */
  doneUnder(idempotencyKey: string): Promise<number>;
  /** What the provider never does. */
  readonly never?: readonly Scenario[];
  /** Null for a provider that sends no webhooks. */
  readonly webhooks: null | {
    /** The body of one about a wish that succeeded. */
    bodyOf(wish: ProviderRequest): string;
    /** Headers that sign a body as sent at a time. */
    sign(body: string, at: Date): Readonly<Record<string, string>>;
  };
  /** What must never be in evidence: keys, secrets. */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}

const call = { signal: new AbortController().signal };
const MINUTE_MS = 60_000;

/** What a connector keeps that asks nobody: it does what it says it can, refuses the rest, and ends. */
export function keepsTheContractByItself(
  name: string,
  open: () => Connector,
  wish: (action: ProviderAction) => ProviderRequest,
): void {
  describe(`${name} keeps the contract of connectors that ask nobody`, () => {
    const connector = open();
    const asked: Asked = { connector, wish, ask: (it_) => connector.ask(it_, call), doneUnder: async () => 0 };

    it('says that nobody is asked, nor tells anything', () => {
      expect([connector.capabilities.isOutside, connector.webhooks]).toEqual([false, null]);
    });

    it('does what it says it can, and tells the same by inquiry', async () => {
      for (const action of connector.capabilities.actions) {
        const given = wish(action);
        expect([action, await connector.ask(given, call)]).toMatchObject([action, { outcome: 'approved' }]);
        expect([action, await connector.inquire(given, call)]).toMatchObject([action, { outcome: 'approved' }]);
      }
    });

    it('has never done what it cannot do', async () => {
      for (const action of PROVIDER_ACTIONS.filter((each) => !connector.capabilities.actions.includes(each)))
        expect([action, await connector.inquire(wish(action), call)]).toMatchObject([action, { outcome: 'not_found' }]);
    });

    refusesByItself(() => asked);
    endsWhenClosed(() => asked);
  });
}

/**
 * What every connector to the outside keeps: what is said to be certain is, what may have happened is `unknown` until an
 * inquiry tells, and nothing is done twice or shown that is secret.
 */
export function keepsTheContract(name: string, open: () => Promise<ProviderUnderTest>): void {
  describe(`${name} keeps the contract of connectors`, () => {
    let it_: ProviderUnderTest;
    const told: (ProviderAnswer | InquiryAnswer | Notice)[] = [];
    const first = (): ProviderAction => firstOf(it_.connector);
    const ask = async (wish: ProviderRequest, connector = it_.connector) => {
      const answer = await connector.ask(wish, call);
      told.push(answer);
      return answer;
    };
    const inquire = async (wish: ProviderRequest, connector = it_.connector) => {
      const answer = await connector.inquire(wish, call);
      told.push(answer);
      return answer;
    };
    /** What can follow on money that was taken, or set aside. */
    const nextActions = () => {
      const { actions } = it_.connector.capabilities;
      return (['increment', 'capture', 'refund'] as const).filter((action) => actions.includes(action));
    };
    const begun = async (action: ProviderAction) => {
      const answer = await ask(it_.wish(action, 'succeeds'));
      return 'reference' in answer ? answer.reference : null;
    };
    /** Takes the whole of an authorization, for a provider that does not take at once. */
    const taken = async () => {
      const { amount } = it_.wish('authorize', 'succeeds');
      const reference = await begun('authorize');
      const capture = { ...it_.wish('capture', 'succeeds', reference), amount };
      expect(await ask(capture)).toMatchObject({ outcome: 'approved' });
      return reference;
    };
    /** What an action follows on: only what was taken is given back. */
    const beginningOf = (action: ProviderAction) => {
      if (action !== 'refund') return begun(first());
      return it_.connector.capabilities.actions.includes('sale') ? begun('sale') : taken();
    };
    const asked = (): Asked => ({
      connector: it_.connector,
      wish: (action, reference) => it_.wish(action, 'succeeds', reference),
      ask: (wish) => ask(wish),
      doneUnder: (key) => it_.doneUnder(key),
    });
    beforeAll(async () => {
      it_ = await open();
    });
    afterAll(() => it_.close());

    it('tells of success, with the number to name it by', async () => {
      const answer = await ask(it_.wish(first(), 'succeeds'));
      expect(answer).toMatchObject({ outcome: 'approved', reference: expect.any(String) as string });
    });

    it('tells of a decline, in a word of ours', async () => {
      const answer = await ask(it_.wish(first(), 'declines'));
      expect(answer).toMatchObject({
        outcome: 'declined',
        code: expect.toBeOneOf(Object.keys(DECLINES)) as string,
      });
    });

    it('tells where the customer has to go', async () => {
      if (it_.never?.includes('wants_action')) return;
      const answer = await ask(it_.wish(first(), 'wants_action'));
      expect(answer).toMatchObject({
        outcome: 'requires_action',
        url: expect.stringMatching(/^https?:\/\//) as string,
      });
    });

    it('takes a yes to a part of the sum for none, when it is asked and when it is asked about', async () => {
      if (it_.never?.includes('approves_part')) return;
      const beginnings = (['authorize', 'sale'] as const).filter((action) =>
        it_.connector.capabilities.actions.includes(action),
      );
      for (const action of beginnings) {
        const wish = it_.wish(action, 'approves_part');
        expect([action, await ask(wish)]).toMatchObject([action, { outcome: 'unknown' }]);
        expect([action, await inquire(wish)]).toMatchObject([action, { outcome: 'unknown' }]);
        expect([action, await it_.doneUnder(wish.idempotencyKey)]).toEqual([action, 1]);
      }
    });

    it('does it once, however often it is asked', async () => {
      const wish = it_.wish(first(), 'succeeds');
      const answers = [await ask(wish), ...(await Promise.all([ask(wish), ask(wish)]))];
      const [{ outcome }] = answers as [ProviderAnswer];
      expect(outcome).toBe('approved');
      expect(new Set(answers.map((answer) => ('reference' in answer ? answer.reference : answer.outcome))).size).toBe(
        1,
      );
      expect(await it_.doneUnder(wish.idempotencyKey)).toBe(1);
    });

    it.each(['silent_after', 'fails_after', 'cuts_after'] as const)(
      'knows nothing when the provider %s, and an inquiry tells',
      async (scenario) => {
        const wish = it_.wish(first(), scenario);
        expect(await ask(wish)).toMatchObject({ outcome: 'unknown' });
        expect(await inquire(wish)).toMatchObject({ outcome: 'approved', reference: expect.any(String) as string });
        expect(await it_.doneUnder(wish.idempotencyKey)).toBe(1);
      },
    );

    it('tells by inquiry of a decline and of a success, as it did at first', async () => {
      for (const scenario of ['declines', 'succeeds'] as const) {
        const wish = it_.wish(first(), scenario);
        const { outcome } = await ask(wish);
        expect(await inquire(wish)).toMatchObject({ outcome });
      }
    });

    // A database that was set back asks how something ended with which much has been done since.
    it('tells by inquiry of what was set aside as it did at first, when it has been taken since', async () => {
      const { actions } = it_.connector.capabilities;
      if (!actions.includes('authorize') || !actions.includes('capture')) return;
      const wish = it_.wish('authorize', 'succeeds');
      const answer = await ask(wish);
      const reference = 'reference' in answer ? answer.reference : null;
      const { amount } = wish;
      expect(await ask({ ...it_.wish('capture', 'succeeds', reference), amount })).toMatchObject({
        outcome: 'approved',
      });
      expect(await inquire(wish)).toMatchObject({ outcome: 'approved', reference });
    });

    it('tells by inquiry that the provider has never heard of it', async () => {
      expect(await inquire(it_.wish(first(), 'succeeds'))).toMatchObject({ outcome: 'not_found' });
    });

    it('knows that nothing was sent when nobody listens, and that this says nothing about what was sent before', async () => {
      const wish = it_.wish(first(), 'succeeds');
      expect(await ask(wish, it_.refused)).toMatchObject({ outcome: 'not_sent' });
      expect(await inquire(wish, it_.refused)).toMatchObject({ outcome: 'unknown' });
      expect(await it_.doneUnder(wish.idempotencyKey)).toBe(0);
    });

    it('goes on with what it has begun, as far as its capabilities say, and once', async () => {
      for (const action of nextActions()) {
        const wish = it_.wish(action, 'succeeds', await beginningOf(action));
        const answers = [await ask(wish), ...(await Promise.all([ask(wish), ask(wish)])), await inquire(wish)];
        for (const answer of answers) expect([action, answer]).toMatchObject([action, { outcome: 'approved' }]);
        expect([action, await it_.doneUnder(wish.idempotencyKey)]).toEqual([action, 1]);
      }
    });

    it.each(['fails_after', 'cuts_after'] as const)(
      'knows nothing of what goes on when the provider %s',
      async (scenario) => {
        for (const action of nextActions()) {
          const wish = it_.wish(action, scenario, await beginningOf(action));
          expect([action, await ask(wish)]).toMatchObject([action, { outcome: 'unknown' }]);
          expect([action, await inquire(wish)]).toMatchObject([action, { outcome: 'approved' }]);
          expect([action, await it_.doneUnder(wish.idempotencyKey)]).toEqual([action, 1]);
        }
      },
    );

    it('gives back what is set aside, and says yes of what is given back already', async () => {
      if (!it_.connector.capabilities.actions.includes('void')) return;
      const reference = await begun('authorize');
      expect(await ask(it_.wish('void', 'succeeds', reference))).toMatchObject({ outcome: 'approved' });
      expect(await ask(it_.wish('void', 'succeeds', reference))).toMatchObject({ outcome: 'approved' });
    });

    refusesByItself(asked);

    it('refuses to go on with what it has no reference of', async () => {
      const lacking = { ...it_.wish('refund', 'succeeds'), amount: '100', reference: null };
      expect(await ask(lacking)).toMatchObject({ outcome: 'not_sent' });
    });

    it('believes webhooks that are the provider’s and of now, and no others', () => {
      const { webhooks } = it_;
      if (!webhooks) return expect(it_.connector.webhooks).toBeNull();
      const now = new Date();
      const ago = (ms: number) => new Date(now.getTime() - ms);
      const wish = it_.wish(first(), 'succeeds');
      const body = webhooks.bodyOf(wish);
      const read = (headers: Readonly<Record<string, string>>, of = body) =>
        it_.connector.webhooks?.read(headers, Buffer.from(of), now);
      const good = webhooks.sign(body, now);
      const notice = read(good);
      expect(notice).toMatchObject({
        kind: 'attempt_approved',
        idempotencyKey: wish.idempotencyKey,
        merchantReference: wish.merchantReference,
      });
      told.push(notice as Notice);
      // A copy has the number of the first, by which it is known.
      expect(read(good)).toEqual(notice);
      expect(read(webhooks.sign(body, ago(-4 * MINUTE_MS)))).toMatchObject({ kind: 'attempt_approved' });
      expect(read(webhooks.sign(body, ago(6 * MINUTE_MS)))).toBeUndefined();
      expect(read(webhooks.sign(body, ago(-6 * MINUTE_MS)))).toBeUndefined();
      expect(read(good, body.replace(wish.idempotencyKey, `${wish.idempotencyKey}x`))).toBeUndefined();
      expect(read({})).toBeUndefined();
    });

    it.each(['', 'no JSON', 'null', '[]', '{}', '{"type":1,"data":null}'])(
      'says of a signed webhook that it cannot read that it tells nothing: %s',
      (body) => {
        if (!it_.webhooks) return;
        const now = new Date();
        expect(it_.connector.webhooks?.read(it_.webhooks.sign(body, now), Buffer.from(body), now)).toBeNull();
      },
    );

    it('shows nothing that is secret', () => {
      const shown = JSON.stringify(told);
      expect(told.length).toBeGreaterThan(10);
      for (const secret of it_.secrets) expect(shown).not.toContain(secret);
      expect(shown).not.toMatch(/authorization['"]?:\s*['"]?bearer/i);
    });

    it('leaves nothing open where nobody listened', () => it_.refused.close());
    endsWhenClosed(asked);
  });
}
