/** One SQL statement with the name it is prepared, logged and traced under. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** False: it is parsed and planned each time, and nothing is left of it on the connection. */
  readonly isPrepared?: false;
}

/** Postgres cuts identifiers, prepared names among them, at 63 bytes: a longer name would collide silently. */
const NAME_LENGTH_MAX = 63;

const texts = new Map<string, string>();

/**
 * Names a statement. It is prepared once per connection under that name, so the text must be constant, and no other's:
 * sets of rows go in as arrays (`unnest`), never as a text of varying length.
 */
export function statement(name: string, text: string): Statement {
  if (name.length > NAME_LENGTH_MAX) throw new Error(`statement name too long: ${name}`);
  const constant = text.trim();
  // Found when the program starts, and not by whichever of the two comes second on a connection.
  if ((texts.get(name) ?? constant) !== constant) throw new Error(`two statements are named ${name}`);
  texts.set(name, constant);
  return { name, text: constant };
}

/**
 * A statement that is prepared under no name: for texts that are so many that no connection should keep a plan of each. All of one
 * kind share the name, under which they are traced.
 */
export function unprepared(name: string, text: string): Statement {
  return { name, text: text.trim(), isPrepared: false };
}

/** The statement of a name, for those who look at it from outside. Throws where no module that is loaded has made it. */
export function statementNamed(name: string): Statement {
  const text = texts.get(name);
  if (text === undefined) throw new Error(`no statement is named ${name}`);
  return { name, text };
}

/** Every statement that the modules loaded so far have named: text by name. */
export function namedStatements(): ReadonlyMap<string, string> {
  return texts;
}
