import type { JsonSchema as Schema } from '@payflow/contracts';
import { html, type Html, jsonBlock, pathText, prose } from './html.js';
import { pageText } from './page.js';
import { nameOf, SchemaFields } from './schema-fields.js';
import { referred } from '../openapi/referred.js';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
  readonly example?: unknown;
}

interface Answer {
  readonly description: string;
  readonly content?: Readonly<
    Record<string, { readonly schema: Schema; readonly example?: unknown; readonly examples?: object }>
  >;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security?: readonly object[];
  readonly parameters: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, Answer | { readonly $ref: string }>>;
}

interface Document {
  readonly info: { readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

interface Listed extends Omit<Operation, 'responses'> {
  readonly method: string;
  readonly path: string;
  /** What is referred to, itself. */
  readonly answers: readonly (readonly [status: string, answer: Answer])[];
}

/** Every operation of the document to read: what it takes, what it answers, and how it is called. */
export function referencePage(document: object): string {
  return new Reference(document as Document).text();
}

const BASICS: readonly (readonly [title: string, text: string])[] = [
  [
    'Who asks',
    'Every request carries `Authorization: Bearer <key>`. Keys of test mode begin with `sk_test_`, and see nothing of live mode.',
  ],
  [
    'Once, and only once',
    'What changes something carries an `Idempotency-Key`. Send it again as often as you like: one effect, the same answer.',
  ],
  [
    'Waiting',
    '`Prefer: wait=5` waits for the outcome. What is not final by then is answered 202 with its `Location`, and is done all the same.',
  ],
  [
    'Money',
    'Minor units as a string of digits, and the asset beside it: `"amount":"1999","asset":"USD"` is 19.99 US dollars.',
  ],
  [
    'Errors',
    '`application/problem+json` with a stable `code`, and `retryable` where the same request may succeed later.',
  ],
  [
    'Lists',
    'Newest first, `limit` up to 200; go on with `cursor`. Anything unknown is refused, so that a typing error is no wrong answer.',
  ],
];

class Reference {
  readonly #fields: SchemaFields;
  readonly #operations: readonly Listed[];

  constructor(private readonly document: Document) {
    this.#fields = new SchemaFields(document.components.schemas);
    this.#operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { responses, ...operation }]) => ({
        ...operation,
        method,
        path,
        answers: Object.entries(responses).map(
          ([status, answer]) => [status, referred<Answer>(document, answer)] as const,
        ),
      })),
    );
  }

  text(): string {
    return pageText({
      path: '/docs',
      title: 'API reference',
      search: 'Path, word, field …',
      contents: html`${this.document.tags.map(({ name }) => this.#contentsOf(name))}${this.#objectContents()}`,
      content: html`${this.#introduction()}${this.document.tags.map((tag) => this.#section(tag))}${this.#objects()}`,
    });
  }

  #introduction(): Html {
    const basics = BASICS.map(
      ([title, text]) =>
        html`<div>
          <h3>${title}</h3>
          <p>${prose(text)}</p>
        </div>`,
    );
    return html`<h1>API reference</h1>
      <p class="lead">${prose(this.document.info.description)}</p>
      <div class="basics">${basics}</div>`;
  }

  #contentsOf(tag: string): Html {
    const links = this.#of(tag).map(
      ({ operationId, method, path }) =>
        html`<a href="#${operationId}"
          ><span class="method ${method}">${method.toUpperCase()}</span
          ><span>${pathText(path.replace('/api/v1', ''))}</span></a
        >`,
    );
    return html`<section><a class="group" href="#tag-${tag}">${titled(tag)}</a>${links}</section>`;
  }

  #section({ name, description }: { readonly name: string; readonly description: string }): Html {
    return html`<section data-group>
      <h2 id="tag-${name}">${titled(name)}</h2>
      <p class="lead">${description}</p>
      ${this.#of(name).map((one) => this.#operation(one))}
    </section>`;
  }

  #of(tag: string): readonly Listed[] {
    return this.#operations.filter(({ tags }) => tags.includes(tag));
  }

  #operation(operation: Listed): Html {
    const { operationId, method, path, summary, description, requestBody } = operation;
    const parameters = this.#parameters(operation);
    const body = requestBody?.content['application/json'];
    const names = [...parameters.map(({ name }) => name), ...Object.keys(this.#members(body?.schema))];
    const words = [operationId, method, path, titled(operation.tags[0] ?? ''), summary, ...names]
      .join(' ')
      .toLowerCase();
    const groups = ['path', 'query', 'header'].map((place) => this.#parameterGroup(place, parameters));
    return html`<article class="operation" id="${operationId}" data-words="${words}">
      <header>
        <span class="method ${method}">${method.toUpperCase()}</span>
        <h3>
          <a class="anchor" href="#${operationId}"><code>${pathText(path)}</code></a>
        </h3>
      </header>
      <p>${prose(summary)} <span class="access">${prose(description)}</span></p>
      <div class="halves">
        <div>
          ${groups}
          ${
            body &&
            html`<h4>Body${otherForms(requestBody.content)}</h4>
              ${this.#fields.of(body.schema)}`
          }
          <h4>Answers</h4>
          <ul class="answers">
            ${operation.answers.map(([status, answer]) => this.#answer(status, answer))}
          </ul>
        </div>
        <div class="samples">${this.#samples(operation, parameters, body?.example)}</div>
      </div>
    </article>`;
  }

  #parameterGroup(place: string, parameters: readonly Parameter[]): Html {
    const own = parameters.filter((one) => one.in === place);
    if (own.length === 0) return html``;
    const title = { path: 'Path', query: 'Query', header: 'Headers' }[place];
    const members = own.map(({ name, schema, required, description }) =>
      this.#fields.member(name, description === undefined ? schema : { ...schema, description }, required === true),
    );
    const fields = html`<dl class="fields">${members}</dl>`;
    if (place !== 'header')
      return html`<h4>${title}</h4>
        ${fields}`;
    return html`<details class="more">
      <summary>${title}: ${own.map(({ name }) => name).join(', ')}</summary>
      ${fields}
    </details>`;
  }

  #answer(status: string, { description, content = {} }: Answer): Html {
    const problems = content['application/problem+json'];
    if (problems) {
      const codes = Object.keys(problems.examples ?? {}).map(
        (code) => html`<a href="/docs/errors#${code}">${code}</a>`,
      );
      return html`<li>
        <span class="status bad">${status}</span>
        <div class="codes">${codes}</div>
      </li>`;
    }
    const name = nameOf(content['application/json']?.schema ?? {});
    const object = name === undefined ? '' : html` <a href="#schema-${name}">${name}</a>`;
    return html`<li>
      <span class="status ok">${status}</span>${object} ${prose(description)} ${otherForms(content)}
    </li>`;
  }

  #samples(operation: Listed, parameters: readonly Parameter[], body: unknown): Html {
    const shown = operation.answers.filter(
      ([status, { content }]) => Number(status) < 300 && content?.['application/json']?.example !== undefined,
    );
    // What is final tells more than what is on its way.
    const [status, answer] = shown.find(([one]) => one !== '202') ?? shown[0] ?? [];
    const example = answer?.content?.['application/json']?.example;
    return html`${code('curl', html`<pre tabindex="0"><code>${curl(operation, parameters, body)}</code></pre>`)}
    ${status !== undefined && code(html`Answer <span class="status ok">${status}</span>`, jsonBlock(example))}`;
  }

  #parameters({ parameters }: Listed): Parameter[] {
    return parameters.map((one) => referred<Parameter>(this.document, one));
  }

  #members(schema: Schema | undefined): object {
    const name = nameOf(schema ?? {});
    return (name === undefined ? schema : this.document.components.schemas[name])?.properties ?? {};
  }

  /** What answers hold; what requests do stands with their operations. */
  #objectNames(): string[] {
    return Object.keys(this.document.components.schemas)
      .filter((name) => !name.endsWith('Request'))
      .sort();
  }

  #objectContents(): Html {
    const links = this.#objectNames().map((name) => html`<a href="#schema-${name}">${name}</a>`);
    return html`<section><a class="group" href="#objects">Objects</a>${links}</section>`;
  }

  #objects(): Html {
    const entries = this.#objectNames().map((name) => {
      const schema = this.document.components.schemas[name] ?? {};
      const words = [name, ...Object.keys(schema.properties ?? {})].join(' ').toLowerCase();
      return html`<article class="operation" id="schema-${name}" data-words="${words}">
        <header>
          <h3><a class="anchor" href="#schema-${name}">${name}</a></h3>
        </header>
        ${schema.description !== undefined && html`<p>${prose(schema.description)}</p>`}${this.#fields.of(schema)}
      </article>`;
    });
    return html`<section data-group>
      <h2 id="objects">Objects</h2>
      <p class="lead">What answers hold.</p>
      ${entries}
    </section>`;
  }
}

function code(title: Html | string, block: Html): Html {
  return html`<figure class="code">
    <figcaption>${title}</figcaption>
    ${block}
  </figure>`;
}

function titled(tag: string): string {
  return `${tag.charAt(0).toUpperCase()}${tag.slice(1)}`.replaceAll('_', ' ');
}

function otherForms(content: object): Html | string {
  const others = Object.keys(content).filter((type) => type !== 'application/json');
  return others.length === 0 ? '' : html` <small>Also as ${others.map((type) => html`<code>${type}</code> `)}</small>`;
}

/** The request as one would send it by hand. */
function curl(
  { method, path, security, requestBody }: Listed,
  parameters: readonly Parameter[],
  body: unknown,
): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    String(parameters.find((one) => one.in === 'path' && one.name === name)?.example ?? whole),
  );
  const query = parameters
    .filter((one) => one.in === 'query' && (one.example !== undefined || one.required === true))
    .map(({ name, example = '…' }) => `${encodeURIComponent(name)}=${encodeURIComponent(String(example))}`)
    .join('&');
  const address = `"$PAYFLOW${filled}${query === '' ? '' : `?${query}`}"`;
  const isChange = parameters.some(({ name }) => name === 'Idempotency-Key');
  return [
    `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${address}`,
    ...(security?.length === 0 ? [] : ['-H "Authorization: Bearer $PAYFLOW_KEY"']),
    ...(isChange ? ['-H "Idempotency-Key: $(uuidgen)"'] : []),
    ...(requestBody ? ['-H "Content-Type: application/json"', `-d '${JSON.stringify(body, null, 2)}'`] : []),
  ].join(' \\\n  ');
}
