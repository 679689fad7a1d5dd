/**
 * Jaeger's JSON form of a trace, as its query API answers and its web page reads; the form all of ours works with.
 * @typedef {{ key: string, type: string, value: unknown }} Tag
 * @typedef {{ refType: 'CHILD_OF' | 'FOLLOWS_FROM', traceID: string, spanID: string }} Reference
 * @typedef {object} Span
 * @property {string} traceID
 * @property {string} spanID
 * @property {string} operationName
 * @property {Reference[]} references
 * @property {number} startTime  µs since 1970
 * @property {number} duration  µs
 * @property {Tag[]} tags
 * @property {{ timestamp: number, fields: Tag[] }[]} logs
 * @property {string} processID
 * @typedef {{ traceID: string, spans: Span[], processes: Record<string, { serviceName: string, tags: Tag[] }> }} Trace
 */

/**
 * The little of OTLP's JSON that is read here.
 * @typedef {{ key: string, value: Record<string, any> }} OtlpAttribute
 * @typedef {object} OtlpSpan
 * @property {string} traceId
 * @property {string} spanId
 * @property {string} [parentSpanId]
 * @property {string} name
 * @property {number} [kind]
 * @property {string} startTimeUnixNano
 * @property {string} endTimeUnixNano
 * @property {OtlpAttribute[]} [attributes]
 * @property {{ timeUnixNano: string, name: string, attributes?: OtlpAttribute[] }[]} [events]
 * @property {{ traceId: string, spanId: string }[]} [links]
 * @property {{ code?: number, message?: string }} [status]
 * @typedef {{ resource?: { attributes?: OtlpAttribute[] }, scopeSpans?: { scope?: { name?: string }, spans?: OtlpSpan[] }[] }} OtlpResourceSpans
 */

const kinds = ['', 'internal', 'server', 'client', 'producer', 'consumer'];
const errorCode = 2;

/**
 * Turns OTLP payloads into Jaeger's traces, by trace id in the order of arrival.
 * @param {Iterable<{ resourceSpans?: OtlpResourceSpans[] }>} payloads
 * @returns {Map<string, Trace>}
 */
export function tracesFromOtlp(payloads) {
  /** @type {Map<string, Trace>} */
  const traces = new Map();
  for (const { resourceSpans = [] } of payloads) {
    for (const { resource, scopeSpans = [] } of resourceSpans) {
      const process = processOf(resource?.attributes ?? []);
      for (const { scope, spans = [] } of scopeSpans) {
        for (const span of spans) addSpan(traces, process, scope?.name, span);
      }
    }
  }
  return traces;
}

/** @param {OtlpAttribute[]} attributes */
function processOf(attributes) {
  const tags = attributes.map(tagOf);
  const serviceName = String(tags.find((tag) => tag.key === 'service.name')?.value ?? 'unknown');
  return { serviceName, tags: tags.filter((tag) => tag.key !== 'service.name') };
}

/**
 * @param {Map<string, Trace>} traces @param {ReturnType<typeof processOf>} process @param {string | undefined} scope
 * @param {OtlpSpan} span
 */
function addSpan(traces, process, scope, span) {
  const traceID = span.traceId.toLowerCase();
  const trace = traces.get(traceID) ?? { traceID, spans: [], processes: {} };
  traces.set(traceID, trace);
  trace.processes[process.serviceName] ??= process;
  trace.spans.push({
    traceID,
    spanID: span.spanId.toLowerCase(),
    operationName: span.name,
    references: referencesOf(traceID, span),
    startTime: micros(span.startTimeUnixNano),
    duration: Math.max(0, micros(span.endTimeUnixNano) - micros(span.startTimeUnixNano)),
    tags: [...(span.attributes ?? []).map(tagOf), ...impliedTags(span, scope)],
    logs: (span.events ?? []).map((event) => ({
      timestamp: micros(event.timeUnixNano),
      fields: [text('event', event.name), ...(event.attributes ?? []).map(tagOf)],
    })),
    processID: process.serviceName,
  });
}

/** @param {string} traceID @param {OtlpSpan} span @returns {Reference[]} */
function referencesOf(traceID, { parentSpanId, links = [] }) {
  /** @type {Reference[]} */
  const parent = parentSpanId ? [{ refType: 'CHILD_OF', traceID, spanID: parentSpanId.toLowerCase() }] : [];
  return [
    ...parent,
    ...links.map((link) => ({
      refType: /** @type {const} */ ('FOLLOWS_FROM'),
      traceID: link.traceId,
      spanID: link.spanId,
    })),
  ];
}

/** @param {OtlpSpan} span @param {string | undefined} scope @returns {Tag[]} */
function impliedTags({ kind, status }, scope) {
  return [
    ...(kinds[kind ?? 0] ? [text('span.kind', kinds[kind ?? 0] ?? '')] : []),
    ...(scope === undefined ? [] : [text('otel.scope.name', scope)]),
    ...(status?.code === errorCode ? [{ key: 'error', type: 'bool', value: true }] : []),
    ...(status?.message ? [text('otel.status_description', status.message)] : []),
  ];
}

/** @param {OtlpAttribute} attribute @returns {Tag} */
function tagOf({ key, value }) {
  if (value['intValue'] !== undefined) return { key, type: 'int64', value: Number(value['intValue']) };
  if (value['doubleValue'] !== undefined) return { key, type: 'float64', value: value['doubleValue'] };
  if (value['boolValue'] !== undefined) return { key, type: 'bool', value: value['boolValue'] };
  if (value['arrayValue'] !== undefined) {
    const items = /** @type {Record<string, unknown>[]} */ (value['arrayValue'].values ?? []);
    return text(key, JSON.stringify(items.map((item) => Object.values(item)[0])));
  }
  return text(key, String(value['stringValue'] ?? ''));
}

/** @param {string} key @param {string} value @returns {Tag} */
function text(key, value) {
  return { key, type: 'string', value };
}

/** @param {string | number} nanos  more digits than a number holds exactly, so the last three are cut as text */
function micros(nanos) {
  return Number(String(nanos).slice(0, -3));
}

/** @param {Trace} trace @param {Span} span @returns {string} */
export function serviceOf(trace, span) {
  return trace.processes[span.processID]?.serviceName ?? 'unknown';
}

/** @param {Trace} trace @returns {Set<string>} */
export function servicesIn(trace) {
  return new Set(trace.spans.map((span) => serviceOf(trace, span)));
}
