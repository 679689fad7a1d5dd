import { MESSAGES, SUBSCRIPTIONS, TOPICS, type MessageSpec, type MessageType, type Service } from '@payflow/contracts';
import { Ajv, type ValidateFunction } from 'ajv';

/** What Ajv would make of its code before V8 does takes half of the time of compiling it, and answers no sooner; our schemas are held against theirs in specs. */
const QUICKLY = { code: { optimize: false }, meta: false, validateSchema: false };
const ajv = new Ajv({ ...QUICKLY, allErrors: false, strict: true, allowUnionTypes: true });

/** Compiled when first needed: all together take half a second, and a service speaks few of them in its first. */
class Schemas {
  private readonly compiled = new Map<string, ValidateFunction | undefined>();

  constructor(private readonly schemaOf: (spec: MessageSpec) => object | undefined) {}

  get(type: MessageType): ValidateFunction | undefined {
    const known = this.compiled.get(type);
    return known ?? this.compile(type);
  }

  private compile(type: MessageType): ValidateFunction | undefined {
    if (this.compiled.has(type) || !Object.hasOwn(MESSAGES, type)) return undefined;
    const schema = this.schemaOf(MESSAGES[type]);
    const validate = schema && ajv.compile(schema);
    this.compiled.set(type, validate);
    return validate;
  }
}

const writers = new Schemas(({ schema }) => schema);
const readers = new Schemas(({ schema }) => tolerant(schema) as object);
const refusals = new Schemas(({ schema, refusable }) => refusable && only(schema, refusable));

/** Compiles the schemas of all that the service says and hears, and lets `pause` come between two types. */
export async function compileSchemas(service: Service, pause: () => Promise<void>): Promise<void> {
  for (const type of saidBy(service)) {
    writers.get(type);
    await pause();
  }
  for (const type of heardBy(service)) {
    for (const schemas of [readers, refusals]) schemas.get(type);
    await pause();
  }
}

function saidBy(service: Service): MessageType[] {
  const isSaid = ({ topic }: MessageSpec) => (TOPICS[topic].publishers as readonly Service[]).includes(service);
  return (Object.keys(MESSAGES) as MessageType[]).filter((type) => isSaid(MESSAGES[type]));
}

function heardBy(service: Service): readonly MessageType[] {
  return Object.values(SUBSCRIPTIONS).flatMap((subscription) =>
    subscription.service === service ? (subscription.types as readonly MessageType[]) : [],
  );
}

/** What is wrong with the data for a producer (closed schema), or undefined. Names places, never values. */
export function writerErrors(type: MessageType, data: unknown): string | undefined {
  return errorsOf(writers.get(type), data);
}

/** What is wrong with the data for a reader, which ignores fields it does not know. */
export function readerErrors(type: MessageType, data: unknown): string | undefined {
  return errorsOf(readers.get(type), data);
}

/** The fields that a refusal of such a command repeats, or undefined where it has none or one of them is missing or wrong. */
export function refusableFields(type: MessageType, data: object): Readonly<Record<string, unknown>> | undefined {
  const fields = Object.fromEntries(
    (MESSAGES[type] as MessageSpec).refusable?.flatMap((field) =>
      Object.hasOwn(data, field) ? [[field, (data as Record<string, unknown>)[field]]] : [],
    ) ?? [],
  );
  return errorsOf(refusals.get(type), fields) ? undefined : fields;
}

function errorsOf(validate: ValidateFunction | undefined, data: unknown): string | undefined {
  if (!validate) return 'no schema';
  if (validate(data)) return undefined;
  const [first] = validate.errors ?? [];
  return `${first?.instancePath || '/'} ${first?.message ?? 'is wrong'}`;
}

/** The schema of the object's given fields alone. */
function only(schema: object, fields: readonly string[]): object {
  const { properties, required } = schema as { properties: Record<string, object>; required: readonly string[] };
  const kept = fields.map((field) => [field, tolerant(properties[field])]);
  return {
    type: 'object',
    properties: Object.fromEntries(kept) as object,
    required: fields.filter((field) => required.includes(field)),
  };
}

function tolerant(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(tolerant);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword, value]) => !(keyword === 'additionalProperties' && value === false))
      .map(([keyword, value]) => [keyword, tolerant(value)]),
  );
}
