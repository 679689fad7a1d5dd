import { SERVICES, SUBSCRIPTIONS, uuidOf, type MessageType } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf } from '../house/api-client.js';
import { House } from '../house/house.js';
import { spansFromJaeger } from '../house/jaeger.js';
import { Merchant } from '../house/merchant.js';
import { newPayment, sendUntilFinal } from '../house/payments.js';
import { Random } from '../house/random.js';
import { SpanCollector, type CollectedSpan } from '../house/span-collector.js';
import { untilAnswered } from '../house/wish.js';
import { edgesOf, missingEdges } from './edges.js';

const DEADLINE_MS = 30_000;
const SPANS_MAX = 60;
const ON_THE_WAY: MessageType[] = [
  'payflow.payment.create.v1',
  'payflow.transfer.post.v1',
  'payflow.transfer.posted.v1',
  'payflow.payment.succeeded.v1',
];
/** Held before the acquirer is asked, booked on its word. */
const BY_CARD: MessageType[] = [
  'payflow.payment.create.v1',
  'payflow.hold.place.v1',
  'payflow.hold.placed.v1',
  'payflow.hold.post.v1',
  'payflow.hold.posted.v1',
  'payflow.payment.succeeded.v1',
];
/** What is asked of a card payment, by what its acquirer is asked: from the gateway through the ledger to whoever has asked. */
const OF_CARDS: readonly { readonly asked: string; readonly route: string; readonly types: MessageType[] }[] = [
  {
    asked: 'authorize',
    route: 'payments',
    types: [
      'payflow.payment.create.v1',
      'payflow.hold.place.v1',
      'payflow.hold.placed.v1',
      'payflow.payment.authorized.v1',
    ],
  },
  {
    asked: 'increment',
    route: 'payments/:id/increment',
    types: [
      'payflow.payment.increment.v1',
      'payflow.hold.place.v1',
      'payflow.hold.placed.v1',
      'payflow.increment.succeeded.v1',
    ],
  },
  {
    asked: 'capture',
    route: 'payments/:id/capture',
    types: [
      'payflow.payment.capture.v1',
      'payflow.hold.post.v1',
      'payflow.hold.posted.v1',
      'payflow.capture.succeeded.v1',
    ],
  },
  {
    asked: 'refund',
    route: 'payments/:id/refunds',
    types: [
      'payflow.payment.refund.v1',
      'payflow.hold.place.v1',
      'payflow.hold.placed.v1',
      'payflow.hold.post.v1',
      'payflow.hold.posted.v1',
      'payflow.refund.succeeded.v1',
    ],
  },
  {
    asked: 'void',
    route: 'payments/:id/cancel',
    types: [
      'payflow.payment.cancel.v1',
      'payflow.hold.void.v1',
      'payflow.hold.voided.v1',
      'payflow.cancellation.succeeded.v1',
    ],
  },
  {
    asked: 'submit_evidence',
    route: 'disputes/:id/evidence',
    types: ['payflow.dispute.submit_evidence.v1', 'payflow.dispute.evidence_submitted.v1'],
  },
];
const { PAYFLOW_TEST_JAEGER_UI_URL: jaegerUi, PAYFLOW_TEST_OTLP_ENDPOINT: jaegerOtlp } = process.env;

describe('the trace of one payment', () => {
  const edges = edgesOf(ON_THE_WAY, 'gateway');
  let collector: SpanCollector;
  let house: House;
  let merchant: Merchant;
  let traceId: string;
  let payment: ReturnType<typeof newPayment>;
  let spans: CollectedSpan[];

  beforeAll(async () => {
    collector = await SpanCollector.start(jaegerOtlp);
    house = await House.open({
      name: 'trace',
      sandbox: {},
      environment: {
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_TRACES_SAMPLER_ARG: '1',
        PROVIDER_INQUIRY_DELAYS: '250ms,1s,5s',
      },
    });
    merchant = await Merchant.open(house.databases, house.api, 2);
    payment = newPayment(merchant.payingBetween(merchant.accounts), new Random(1));
    await sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS);
    traceId = (JSON.parse(payment.final?.body.toString() ?? '{}') as { trace_id: string }).trace_id;
    await until(
      'every edge is in the trace',
      () => missingEdges(collector.ofTrace(traceId), edges).length === 0,
      DEADLINE_MS,
    ).catch(() => undefined);
    spans = collector.ofTrace(traceId);
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
    await collector?.stop();
  });

  it('shows every edge that the topology declares on its way', () => {
    expect(missingEdges(spans, edges)).toEqual([]);
  });

  it('leaves out only the edge of accounts, which the trace of an opening shows', async () => {
    const opened = ['payflow.account.open.v1', 'payflow.account.opened.v1'] as const satisfies MessageType[];
    const ofOpening = edgesOf(opened, 'gateway').map((edge) =>
      edge.topic === 'ledger.commands.v1' ? { ...edge, publisher: 'gateway' as const } : edge,
    );
    expect(new Set([...edges, ...ofOpening].map(({ group }) => group))).toEqual(new Set(Object.keys(SUBSCRIPTIONS)));
    const traces = () => [...new Set(collector.spans.map((span) => span.traceId))].map((id) => collector.ofTrace(id));
    await until(
      'a trace with every edge of an opening',
      () => traces().some((trace) => missingEdges(trace, ofOpening).length === 0),
      DEADLINE_MS,
    );
  });

  it('has spans of all five services under one root', () => {
    expect([...new Set(spans.map(({ service }) => service))].sort()).toEqual([...SERVICES].sort());
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId));
    expect(roots.map(({ name }) => name)).toEqual(['POST /api/v1/payments']);
  });

  it(`has at most ${SPANS_MAX} spans`, () => {
    expect(spans.length, spans.map(({ service, name }) => `${service} ${name}`).join('\n')).toBeLessThanOrEqual(
      SPANS_MAX,
    );
  });

  it('names the payment on each message, and the statements without their values', () => {
    const messages = spans.filter(
      ({ attributes }) =>
        attributes['messaging.operation.type'] === 'process' &&
        attributes['cloudevents.event_type']?.startsWith('payflow.payment.'),
    );
    expect(messages.map(({ attributes }) => attributes['payflow.payment.id'])).toEqual(messages.map(() => payment.id));
    const statements = spans.flatMap(({ attributes }) => attributes['db.query.text'] ?? []);
    expect(statements.length).toBeGreaterThan(0);
    const everything = JSON.stringify(spans);
    for (const secret of [merchant.apiKey, payment.idempotencyKey]) expect(everything).not.toContain(secret);
    for (const statement of statements) {
      expect(statement).not.toContain(payment.body.source);
      expect(statement).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}/);
    }
  });

  it('is one of a card payment, too: through the ledger twice, to the acquirer, and back', async () => {
    const [destination] = merchant.accounts;
    const { status, body } = await untilAnswered(merchant.api, '/api/v1/payments', {
      source: merchant.world,
      destination,
      amount: '1999',
      asset: 'USD',
      method: { type: 'card', token: 'tok_visa' },
    });
    expect(status).toBe(201);
    const ofCard = () => collector.ofTrace(body['trace_id'] as string);
    const cardEdges = edgesOf(BY_CARD, 'gateway');
    await until('every edge is in the trace', () => missingEdges(ofCard(), cardEdges).length === 0, DEADLINE_MS);
    const names = ofCard().map(({ service, name }) => `${service} ${name}`);
    expect(names).toEqual(expect.arrayContaining(['gateway POST /api/v1/payments', 'payments cards sale']));
    expect(new Set(ofCard().map(({ service }) => service))).toEqual(new Set(SERVICES));
    expect(ofCard().find(({ name }) => name === 'cards sale')?.attributes).toMatchObject({
      'payflow.connector.name': 'cards',
      'payflow.outcome': 'approved',
    });
    expect(JSON.stringify(ofCard())).not.toContain(house.sandbox.apiKey);
  });

  describe('of what is asked of a card payment', () => {
    const ask = (path: string, body: object = {}) => untilAnswered(merchant.api, `/api/v1/${path}`, body);
    const payByCard = async (terms: object): Promise<{ readonly id: string; readonly trace_id: string }> => {
      const [source, destination] = [merchant.world, merchant.accounts[0]];
      const method = { type: 'card', token: 'tok_visa' };
      const { body } = await ask('payments', { source, destination, asset: 'USD', method, ...terms });
      return body as { id: string; trace_id: string };
    };
    /** Of the call of the acquirer: this house made one of each. */
    const traceOf = (action: string) => {
      const call = collector.spans.find(({ service, name }) => service === 'payments' && name === `cards ${action}`);
      return call ? collector.ofTrace(call.traceId) : [];
    };

    beforeAll(async () => {
      const terms = { amount: '50000', capture: 'manual' };
      const [{ id }, { id: other }] = await Promise.all([payByCard(terms), payByCard(terms)]);
      await ask(`payments/${other}/cancel`);
      await ask(`payments/${id}/increment`, { amount: '5000' });
      await ask(`payments/${id}/capture`, { amount: '30000' });
      await ask(`payments/${id}/refunds`, { amount: '1000' });
      const reference = 'select provider_reference from payments where id = $1';
      const authorization = await house.databases.value<string>('payments', reference, [uuidOf('payment', id)]);
      await house.sandbox.openDispute(authorization, { amount: '20000' });
      const dispute = await until(
        'the dispute is shown',
        async () => {
          const reply = await merchant.api.call(`/api/v1/payments/${id}/disputes`);
          const isShown = reply.kind === 'answer' && reply.status === 200;
          return isShown ? jsonOf<{ data: { id: string }[] }>(reply).data[0] : undefined;
        },
        DEADLINE_MS,
      );
      await ask(`disputes/${dispute.id}/evidence`, { receipt: 'It was delivered on Tuesday.' });
    });

    it.each(OF_CARDS)('$asked is one: from the gateway to the acquirer, and back', async ({ asked, route, types }) => {
      const answered: MessageType =
        asked === 'submit_evidence' ? 'payflow.dispute.answer.v1' : 'payflow.payment.answer.v1';
      const way = [...edgesOf(types, 'gateway'), ...edgesOf([answered], 'payments')];
      const isWhole = () => missingEdges(traceOf(asked), way).length === 0;
      await until('every edge is in the trace', isWhole, DEADLINE_MS).catch(() => undefined);
      expect(missingEdges(traceOf(asked), way)).toEqual([]);
      const roots = traceOf(asked).filter(({ parentSpanId }) => parentSpanId === undefined);
      expect(roots.map(({ service, name }) => `${service} ${name}`)).toEqual([`gateway POST /api/v1/${route}`]);
    });

    it('whose answer was lost has the inquiry in it as well', async () => {
      const { trace_id } = await payByCard({ amount: '19024' });
      const calls = () => collector.ofTrace(trace_id).filter(({ name }) => name.startsWith('cards '));
      await until('both calls are in the trace', () => calls().length === 2, DEADLINE_MS);
      expect(calls().map(({ name, attributes }) => `${name}: ${attributes['payflow.outcome']}`)).toEqual([
        'cards sale: unknown',
        'cards inquire: approved',
      ]);
    });
  });

  it.skipIf(jaegerUi === undefined || jaegerOtlp === undefined)("is read back whole from Jaeger's API", async () => {
    const read = await until(
      'Jaeger has the trace',
      async () => {
        const found = await spansFromJaeger(jaegerUi ?? '', traceId);
        return found.length >= spans.length && missingEdges(found, edges).length === 0 ? found : undefined;
      },
      DEADLINE_MS,
    );
    expect(new Set(read.map(({ traceId: id }) => id))).toEqual(new Set([traceId]));
    expect(missingEdges(read, edges)).toEqual([]);
  });
});
