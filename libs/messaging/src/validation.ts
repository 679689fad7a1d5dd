import { MESSAGES, type MessageSpec, type MessageType } from '@payflow/contracts';
import { Ajv, type ValidateFunction } from 'ajv';

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });

const writers = new Map<MessageType, ValidateFunction>();
const readers = new Map<MessageType, ValidateFunction>();
const refusals = new Map<MessageType, ValidateFunction>();
for (const [type, { schema, refusable }] of Object.entries<MessageSpec>(MESSAGES)) {
  writers.set(type as MessageType, ajv.compile(schema));
  readers.set(type as MessageType, ajv.compile(tolerant(schema) as object));
  if (refusable) refusals.set(type as MessageType, ajv.compile(only(schema, refusable)));
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
    (MESSAGES[type] as MessageSpec).refusable?.map((field) => [field, (data as Record<string, unknown>)[field]]) ?? [],
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
  const { properties } = schema as { properties: Record<string, object> };
  const kept = fields.map((field) => [field, tolerant(properties[field])]);
  return { type: 'object', properties: Object.fromEntries(kept) as object, required: fields };
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
