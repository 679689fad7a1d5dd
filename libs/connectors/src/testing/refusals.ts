import { expect, it } from 'vitest';
import {
  PROVIDER_ACTIONS,
  type Connector,
  type ProviderAction,
  type ProviderAnswer,
  type ProviderRequest,
} from '../connector.js';

/** A connector, and how it is asked in a spec. */
export interface Asked {
  readonly connector: Connector;
  /** A wish that is carried out if it is sent. */
  wish(action: ProviderAction, reference?: string | null): ProviderRequest;
  ask(wish: ProviderRequest): Promise<ProviderAnswer>;
  /** How often somebody outside has done what was asked under a key. */
  doneUnder(idempotencyKey: string): Promise<number>;
}

export function firstOf({ capabilities }: Connector): ProviderAction {
  return capabilities.actions.includes('authorize') ? 'authorize' : 'sale';
}

/** What every connector refuses by itself, whether there is anybody outside or not. */
export function refusesByItself(asked: () => Asked): void {
  it('sends nothing for whoever has gone', async () => {
    const { connector, wish, doneUnder } = asked();
    const given = wish(firstOf(connector));
    const answer = await connector.ask(given, { signal: AbortSignal.abort() });
    expect(answer).toMatchObject({ outcome: 'not_sent' });
    expect(await doneUnder(given.idempotencyKey)).toBe(0);
  });

  it('refuses what it says it cannot do, without asking anybody', async () => {
    const { connector, wish, ask, doneUnder } = asked();
    const { actions } = connector.capabilities;
    for (const action of PROVIDER_ACTIONS.filter((each) => !actions.includes(each))) {
      const given = wish(action, 'some-reference');
      expect([action, await ask(given)]).toMatchObject([action, { outcome: 'not_sent', code: 'action_not_supported' }]);
      expect(await doneUnder(given.idempotencyKey)).toBe(0);
    }
  });

  it('refuses methods, units and sums that it says it does not take', async () => {
    const { connector, wish, ask, doneUnder } = asked();
    const { methods, assets, brands, countries, amount } = connector.capabilities;
    const given = wish(firstOf(connector));
    const card = given.card ?? { type: 'card' as const, token: 'tok' };
    const outside = [
      ...(methods.includes('card') ? [] : [{ card }]),
      ...(assets ? [{ asset: 'NOSUCHUNIT' }] : []),
      ...(brands ? [{ card: { ...card, brand: 'no_such_brand' } }] : []),
      ...(countries ? [{ card: { ...card, country: 'ZZ' } }] : []),
      ...(amount.min === null ? [] : [{ amount: String(BigInt(amount.min) - 1n) }]),
      ...(amount.max === null ? [] : [{ amount: String(BigInt(amount.max) + 1n) }]),
    ];
    for (const change of outside) {
      expect([change, await ask({ ...given, ...change })]).toMatchObject([change, { outcome: 'not_sent' }]);
    }
    expect(await doneUnder(given.idempotencyKey)).toBe(0);
  });
}

/** The last of a spec: the connector is closed. */
export function endsWhenClosed(asked: () => Asked): void {
  it('gives its connections back, and sends nothing from then on', async () => {
    const { connector, wish, doneUnder } = asked();
    await connector.close();
    const given = wish(firstOf(connector));
    expect(await connector.ask(given, { signal: new AbortController().signal })).toMatchObject({ outcome: 'not_sent' });
    expect(await doneUnder(given.idempotencyKey)).toBe(0);
  });
}
