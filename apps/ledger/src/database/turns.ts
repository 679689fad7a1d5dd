import { Session, statement } from '@payflow/database';
import { readTold, toldTexts, type Told, type ToldText } from './told-text.js';

const CHANNEL = 'payflow_ledger_turns';
const TAKE = statement('ledger.take-turn', `select pg_advisory_lock(hashtext('payflow/ledger/turn'))`);
const END = statement('ledger.end-turn', `select pg_advisory_unlock(hashtext('payflow/ledger/turn'))`);
const TELL = statement('ledger.tell', `select pg_notify('${CHANNEL}', text) from unnest($1::text[]) as text`);
const JOIN = 'join';
const UNDONE = 'undone ';

/** Whoever has the turn decides a batch in memory, which takes milliseconds. One that takes so long is stopped or gone. */
const TURN_MS_MAX = 1_000;

/** The right to decide: nobody else on these books decides from memory meanwhile. */
export interface Turn {
  /** Once; what was told before it arrives before the next turn begins. */
  end(): void;
}

export interface TurnEvents {
  /** A batch of another process was decided. */
  told(text: ToldText): void;
  /** A batch that was told of was rolled back. */
  undone(xact: string): void;
  /** Another process begins to tell, or what was told may have been missed: nothing that is remembered was told of. */
  joined(): void;
}

/**
 * Processes that post to the same accounts take turns at deciding, and each tells before its turn ends what it left; so the next
 * builds on batches of others that have not committed yet, as it does on its own. Over a session of its own: its lock is let go
 * before COMMIT, and a notice arrives before an answer that is asked for after it.
 */
export class Turns {
  #session: Promise<Session> | undefined;
  #opened: Session | undefined;
  /** Batches of this process queue here: to the server, all its turns are one session's. */
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly url: string,
    private readonly events: TurnEvents,
  ) {}

  /** Waits for the turn. Throws where whoever has it does not end it, or the server cannot be reached. */
  async take(): Promise<Turn> {
    const before = this.#last;
    let pass: () => void = () => undefined;
    this.#last = new Promise((resolve) => (pass = resolve));
    await before;
    try {
      const session = await this.#open();
      await session.rows(TAKE);
      return turnOf(session, pass);
    } catch (error) {
      pass();
      throw error;
    }
  }

  /** Tells the others, without waiting for it: what is sent after it, as the end of a turn, comes after it. */
  tell(told: Told): void {
    // What is lost with the connection `joined` makes up for.
    this.#opened?.rows(TELL, [toldTexts(told)]).catch(() => undefined);
  }

  tellUndone(xact: string): void {
    this.#opened?.rows(TELL, [[`${UNDONE}${xact}`]]).catch(() => undefined);
  }

  /** Listens from now on, and has the others tell too. */
  join(): void {
    if (this.#opened) this.#announce(this.#opened);
    else void this.#open().catch(() => undefined);
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = this.#opened = undefined;
    await session?.close();
  }

  /** What makes no sense is passed over: anybody on the database may say anything. */
  #hear(text: string): void {
    if (text === JOIN) return this.events.joined();
    if (text.startsWith(UNDONE)) return this.events.undone(text.slice(UNDONE.length));
    const told = readTold(text);
    if (told) this.events.told(told);
  }

  #announce(session: Session): void {
    this.events.joined();
    session.rows(TELL, [[JOIN]]).catch(() => undefined);
  }

  #open(): Promise<Session> {
    return (this.#session ??= this.#start());
  }

  async #start(): Promise<Session> {
    let mine: Session | undefined;
    const lost = () => {
      if (this.#opened === mine) this.#session = this.#opened = undefined;
    };
    const options = { url: this.url, applicationName: 'payflow-ledger:turns', lockTimeout_ms: TURN_MS_MAX };
    try {
      const session = await Session.open({ ...options, onNotice: (text) => this.#hear(text), onLost: lost });
      await session.listen(CHANNEL);
      this.#opened = mine = session;
      this.#announce(session);
      return session;
    } catch (error) {
      lost();
      throw error;
    }
  }
}

function turnOf(session: Session, pass: () => void): Turn {
  let hasEnded = false;
  return {
    end: () => {
      if (hasEnded) return;
      hasEnded = true;
      // Where the connection is lost, the lock is too.
      session.rows(END).catch(() => undefined);
      pass();
    },
  };
}
