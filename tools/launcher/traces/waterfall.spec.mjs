import { describe, expect, it } from 'vitest';

import { tracesFromOtlp } from './jaeger-model.mjs';
import { drawWaterfall, inTreeOrder } from './waterfall.mjs';

const traceId = '0af7651916cd43dd8448eb211c80319c';

const span = (spanId, parentSpanId, name, at, length, more = {}) => ({
  traceId,
  spanId,
  ...(parentSpanId === null ? {} : { parentSpanId }),
  name,
  startTimeUnixNano: `17952435237${String(at).padStart(2, '0')}000000`,
  endTimeUnixNano: `17952435237${String(at + length).padStart(2, '0')}000000`,
  ...more,
});

const payload = (service, ...spans) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeSpans: [{ scope: { name: 'test' }, spans }],
    },
  ],
});

const traceOf = (...payloads) => tracesFromOtlp(payloads).get(traceId);

describe('a trace from OTLP', () => {
  it('joins what several services sent', () => {
    const trace = traceOf(
      payload('gateway', span('a1', null, 'POST', 0, 40)),
      payload('ledger', span('b1', 'a1', 'post', 10, 5)),
    );
    expect(
      trace.spans.map(({ operationName, startTime, duration }) => [operationName, startTime % 1_000_000, duration]),
    ).toEqual([
      ['POST', 700_000, 40_000],
      ['post', 710_000, 5_000],
    ]);
  });

  it('keeps attributes, links, events and errors', () => {
    const [only] = traceOf(
      payload(
        'ledger',
        span('b1', null, 'post', 10, 5, {
          kind: 5,
          attributes: [
            { key: 'count', value: { intValue: '3' } },
            { key: 'names', value: { arrayValue: { values: [{ stringValue: 'x' }] } } },
          ],
          links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16) }],
          events: [{ name: 'locked', timeUnixNano: '1795243523712000000' }],
          status: { code: 2, message: 'no' },
        }),
      ),
    ).spans;
    const tags = Object.fromEntries(only.tags.map(({ key, value }) => [key, value]));
    expect(tags).toEqual({
      count: 3,
      names: '["x"]',
      'span.kind': 'consumer',
      'otel.scope.name': 'test',
      error: true,
      'otel.status_description': 'no',
    });
    expect(only.references).toEqual([{ refType: 'FOLLOWS_FROM', traceID: '1'.repeat(32), spanID: '2'.repeat(16) }]);
    expect(only.logs[0].fields[0].value).toBe('locked');
  });
});

describe('the waterfall', () => {
  it('puts children under their parent by start time, and a span without its parent at the top', () => {
    const trace = traceOf(
      payload(
        'gateway',
        span('c', 'a', 'second', 20, 1),
        span('a', null, 'root', 0, 40),
        span('b', 'a', 'first', 10, 1),
        span('z', 'gone', 'orphan', 30, 1),
      ),
    );
    expect(inTreeOrder(trace).map(({ span: { operationName }, depth }) => `${depth} ${operationName}`)).toEqual([
      '0 root',
      '1 first',
      '1 second',
      '0 orphan',
    ]);
  });

  it('draws one line per span, as wide as asked', () => {
    const trace = traceOf(payload('gateway', span('a', null, 'root', 0, 40), span('b', 'a', 'child', 20, 20)));
    expect(drawWaterfall(trace, { width: 60 })).toEqual([
      `  gateway  root     ${'━'.repeat(31)}  40.0 ms`,
      `  gateway    child  ${' '.repeat(15)}${'━'.repeat(16)}  20.0 ms`,
    ]);
  });
});
