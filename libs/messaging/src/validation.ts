import { MESSAGES, type MessageType } from '@payflow/contracts';
import { Ajv, type ValidateFunction } from 'ajv';

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });

const writers = new Map<MessageType, ValidateFunction>();
const readers = new Map<MessageType, ValidateFunction>();
for (const [type, { schema }] of Object.entries(MESSAGES)) {
  writers.set(type as MessageType, ajv.compile(schema));
  readers.set(type as MessageType, ajv.compile(tolerant(schema) as object));
}

/** What is wrong with the data for a producer (closed schema), or undefined. Names places, never values. */
export function writerErrors(type: MessageType, data: unknown): string | undefined {
  return errorsOf(writers.get(type), data);
}

/** What is wrong with the data for a reader, which ignores fields it does not know. */
export function readerErrors(type: MessageType, data: unknown): string | undefined {
  return errorsOf(readers.get(type), data);
}

function errorsOf(validate: ValidateFunction | undefined, data: unknown): string | undefined {
  if (!validate) return 'no schema';
  if (validate(data)) return undefined;
  const [first] = validate.errors ?? [];
  return `${first?.instancePath || '/'} ${first?.message ?? 'is wrong'}`;
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
