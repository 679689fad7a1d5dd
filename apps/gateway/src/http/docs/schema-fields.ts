import { ID_PREFIXES, idPattern, type IdKind, type JsonSchema as Schema } from '@payflow/contracts';
import { html, prose, type Html } from './html.js';

/** How ids begin, by the pattern that they follow. */
const IDS = new Map((Object.keys(ID_PREFIXES) as IdKind[]).map((kind) => [idPattern(kind), `${ID_PREFIXES[kind]}_…`]));
const ENUM_SHOWN_MAX = 12;
const PATTERN_SHOWN_MAX = 40;

/** Shows the members of the schemas of one document. */
export class SchemaFields {
  constructor(private readonly schemas: Readonly<Record<string, Schema>>) {}

  /** The members of a body; of a choice, those of each. */
  of(schema: Schema, isOpen = false): Html {
    const known = this.#resolved(schema);
    const choices = choicesOf(known);
    if (!known.properties && choices.length > 1)
      return html`${choices.map(
        (one) =>
          html`<div class="choice">
            <p>One way: ${nameOf(one) ?? ''}</p>
            ${this.of(one)}
          </div>`,
      )}`;
    const { properties = {}, required = [] } = known;
    const members = Object.entries(properties).map(([name, member]) =>
      this.member(name, member, required.includes(name), isOpen),
    );
    return html`<dl class="fields">${members}</dl>`;
  }

  member(name: string, schema: Schema, isRequired: boolean, isOpen = false): Html {
    const { description, ...plain } = withoutNull(schema);
    const inner = this.#inner(plain);
    const more =
      inner &&
      html`<details class="more" ${isOpen && html`open`}>
        <summary>${this.#innerName(plain)}</summary>
        ${this.of(inner)}
      </details>`;
    const must = isRequired && html`<span class="must">required</span>`;
    const said = schema.description ?? description;
    return html`<div>
      <dt><code>${name}</code><small>${this.#kind(schema)}</small>${must}</dt>
      <dd>${said === undefined ? '' : prose(said)} ${bounds(plain)}${more}</dd>
    </div>`;
  }

  #kind(schema: Schema): Html {
    const plain = withoutNull(schema);
    const isNullable = plain !== schema || (Array.isArray(schema.type) && schema.type.includes('null'));
    return html`${this.#plainKind(plain)}${isNullable ? ' or null' : ''}`;
  }

  #plainKind(schema: Schema): string | Html {
    const name = nameOf(schema);
    if (name !== undefined) return html`<a href="#schema-${name}">${name}</a>`;
    if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
    if (schema.enum) return 'one of';
    if (schema.items) return html`list of ${this.#plainKind(schema.items['x-item'] ?? schema.items)}`;
    const id = IDS.get(schema.pattern ?? '');
    if (id !== undefined) return html`id, <code>${id}</code>`;
    const type = [schema.type ?? 'any'].flat().find((one) => one !== 'null') ?? 'any';
    return schema.format ?? type;
  }

  /** What is inside a member and has no name of its own to be looked up under. */
  #inner(schema: Schema): Schema | undefined {
    const inside = schema.items ? (schema.items['x-item'] ?? schema.items) : schema;
    return inside.properties && Object.keys(inside.properties).length > 0 ? inside : undefined;
  }

  #innerName({ items }: Schema): string {
    return items ? 'members of each' : 'members';
  }

  #resolved(schema: Schema): Schema {
    const name = nameOf(schema);
    return name === undefined ? schema : (this.schemas[name] ?? {});
  }
}

export function nameOf({ $ref }: Schema): string | undefined {
  return $ref?.split('/').at(-1);
}

function choicesOf(schema: Schema): readonly Schema[] {
  return schema.oneOf ?? schema.anyOf ?? [];
}

function withoutNull(schema: Schema): Schema {
  const others = choicesOf(schema).filter(({ type }) => type !== 'null');
  return others.length === 1 && !schema.properties ? (others[0] as Schema) : schema;
}

function bounds(schema: Schema): Html {
  const words = schema.enum?.slice(0, ENUM_SHOWN_MAX).map((word) => html`<code>${String(word)}</code> `);
  const { minimum, maximum, maxLength, maxItems, pattern = '' } = schema;
  const told = [
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}.`
      : minimum !== undefined
        ? `At least ${minimum}.`
        : '',
    maxLength === undefined ? '' : `At most ${maxLength} characters.`,
    maxItems === undefined ? '' : `At most ${maxItems}.`,
    schema.default === undefined ? '' : `By default ${String(schema.default)}.`,
  ].filter((one) => one !== '');
  const isShort = pattern !== '' && !IDS.has(pattern) && pattern.length <= PATTERN_SHOWN_MAX;
  return html`${words} ${told.join(' ')} ${isShort && html`<code>${pattern}</code>`}`;
}
