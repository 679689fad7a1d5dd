export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** The samples of one metric in Prometheus' text format. Lines that are no sample are passed over. */
export function metricSamples(text: string, name: string): MetricSample[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(name)) return [];
    const [, labels = '', value = ''] = /^(?:\{(.*)\})? ([^ ]+)/.exec(line.slice(name.length)) ?? [];
    const number = Number(value);
    if (value === '' || Number.isNaN(number)) return [];
    return [
      {
        labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, label, text]) => [label, text])),
        value: number,
      },
    ];
  });
}
