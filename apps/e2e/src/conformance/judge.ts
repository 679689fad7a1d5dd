import type { JsonSchema as Schema } from '@payflow/contracts';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ApiDocument, Operation } from './document.js';
import type { Told } from './request.js';

const FORMATS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/,
  date: /^\d{4}-\d\d-\d\d$/,
  uri: /^[a-z][a-z0-9+.-]*:/,
  'uri-reference': /^\S*$/,
};

/** Holds requests and answers against the document. */
export class Judge {
  readonly #ajv = new Ajv2020({ strict: false, formats: FORMATS });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: ApiDocument) {
    this.#ajv.addSchema(document.json, 'api');
  }

  /** Whether the value is what the schema says. */
  isValid(schema: Schema, value: unknown): boolean {
    return this.#validator(schema)(value) as boolean;
  }

  /** What about the answer the document does not say: nothing, where it is as promised. */
  faults(operation: Operation, { status, headers, text }: Told): string[] {
    if (status >= 500) return [`${status} ${text.slice(0, 300)}`];
    const described = operation.answers[status];
    if (!described) return [`undocumented status ${status} ${text.slice(0, 300)}`];
    const missing = Object.entries(described.headers ?? {})
      .filter(([name, { required }]) => required === true && !headers.has(name))
      .map(([name]) => `${status} without the header ${name}`);
    if (!described.content) return text === '' ? missing : [...missing, `${status} with a body`];
    return [...missing, ...this.#faultsOfBody(described.content, status, headers.get('content-type') ?? '', text)];
  }

  #faultsOfBody(
    content: Readonly<Record<string, { readonly schema: Schema }>>,
    status: number,
    type: string,
    text: string,
  ): string[] {
    const media = content[type.split(';', 1)[0] ?? ''];
    if (!media) return [`${status} of the undocumented type ${type}`];
    if (!/\bjson$/.test(type.split(';', 1)[0] ?? '') || type.startsWith('application/x-ndjson')) return [];
    const validate = this.#validator(media.schema);
    if (validate(JSON.parse(text))) return [];
    return [`${status}: ${this.#ajv.errorsText(validate.errors)}: ${text.slice(0, 500)}`];
  }

  #validator(schema: Schema): ValidateFunction {
    const key = JSON.stringify(schema);
    const known = this.#validators.get(key);
    if (known) return known;
    const made = this.#ajv.compile(withinDocument(schema));
    this.#validators.set(key, made);
    return made;
  }
}

/** The schema by itself, its references leading into the document. */
function withinDocument(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/')) as Schema;
}
