import { equal, ok } from 'node:assert/strict';
import { until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import type { ForeignRecords } from '../books/message-books.js';
import type { House } from '../house/house.js';
import type { Merchant } from '../house/merchant.js';
import { Load, newPayment, sendOnce, sendUntilFinal, type SentPayment } from '../house/payments.js';
import type { Random } from '../house/random.js';
import { renewed, withData } from './bad-records.js';

/** A house whose topics hold what no service wrote. */
export interface Poisoned {
  readonly house: House;
  readonly merchant: Merchant;
  readonly random: Random;
  readonly sent: SentPayment[];
  readonly foreign: ForeignRecords;
  readonly say: (line: string) => void;
}

interface Parked {
  readonly consumer_group: string;
  readonly tenant: string;
  readonly record_key: string;
}

const DEADLINE_MS = 60_000;
const OTHERS = 40;
const WAITING = 3;
const BY = ['--actor', 'e2e', '--reason', 'poison campaign'] as const;
/** Longer than a statement may take (10 s), so that handlers time out, and then try again. */
const LOCKED_S = 12;

/** A rule of the database that one amount breaks: whatever handles it fails for good, until the rule goes. */
async function withRule<T>(
  { databases }: House,
  table: 'transfers' | 'payments',
  amount: string,
  work: () => Promise<T>,
): Promise<T> {
  const service = table === 'transfers' ? 'ledger' : 'payments';
  await databases.asSuperuser(
    service,
    `alter table ${table} add constraint poison check (amount_minor <> ${amount}) not valid`,
  );
  try {
    return await work();
  } finally {
    await databases.asSuperuser(service, `alter table ${table} drop constraint poison`);
  }
}

/** Payments from one account: the first cannot be booked and parks it, the others wait behind it, everybody else's flow. */
async function parkAccount(
  { house, merchant, random, sent }: Poisoned,
  amount: string,
): Promise<{ parked: Parked; waiting: SentPayment[] }> {
  const [source, destination] = random.pair(merchant.accounts);
  const from = (value: string): SentPayment => {
    const payment = newPayment(merchant, random);
    return { ...payment, body: { ...payment.body, source, destination, amount: value } };
  };
  return withRule(house, 'transfers', amount, async () => {
    const waiting = [from(amount)];
    await sendOnce(merchant, waiting[0] as SentPayment, 0);
    const parked = await untilParked(house, 'ledger', source);
    for (let at = 0; at < WAITING; at++) {
      const behind = from('7');
      waiting.push(behind);
      await sendOnce(merchant, behind, 0);
    }
    const others = merchant.payingBetween(merchant.accounts.filter((account) => account !== source));
    sent.push(...(await new Load(others, { payments: OTHERS, concurrency: 8, random }).end()));
    await until(
      'the others wait behind the parked one',
      async () => (await parkedMessages(house, source)) === waiting.length,
    );
    return { parked, waiting };
  });
}

async function untilParked({ databases }: House, service: 'ledger' | 'payments', key: string): Promise<Parked> {
  return until(
    `${key} is parked`,
    async () => {
      const [row] = await databases.rows<Parked & { [column: string]: string }>(
        service,
        'select consumer_group, tenant, record_key from parked_subjects where record_key = $1',
        [key],
      );
      return row;
    },
    DEADLINE_MS,
  );
}

function parkedMessages({ databases }: House, key: string): Promise<number> {
  return databases.value<number>('ledger', 'select count(*)::integer from parked_messages where record_key = $1', [
    key,
  ]);
}

async function untilFinal(
  { merchant, sent }: Pick<Poisoned, 'merchant' | 'sent'>,
  payments: readonly SentPayment[],
): Promise<void> {
  await Promise.all(payments.map((payment) => sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS)));
  sent.push(...payments);
}

function failureOf({ final }: SentPayment): string | undefined {
  const answer = JSON.parse(final?.body.toString() ?? '{}') as { payment?: { failure: { code: string } } };
  return answer.payment?.failure.code;
}

/** Once its cause is gone, a released subject is applied in order, as if nothing had been. */
export async function parkedAndReleased(poisoned: Poisoned): Promise<void> {
  const { house, say, sent, foreign } = poisoned;
  const { parked, waiting } = await parkAccount(poisoned, '666');
  const shown = await house.installation.payflow('parked', 'ls');
  ok(shown.includes(parked.record_key), '`payflow parked ls` shows the subject');
  await house.installation.payflow('parked', 'release', parked.consumer_group, parked.tenant, parked.record_key, ...BY);
  await untilFinal(poisoned, waiting);
  equal(waiting.filter(({ final }) => final?.status === 201).length, waiting.length, 'each released payment succeeds');
  await expectBooksInOrder(house, sent, foreign);
  say(
    `a command that breaks a rule parked its account, ${WAITING} waited behind it, ${OTHERS} of others flowed; released: all succeeded`,
  );
}

/** A discarded subject's commands are refused where a duplicate would look: their payments end as failed. */
export async function parkedAndDiscarded(poisoned: Poisoned): Promise<void> {
  const { house, merchant, random, say, sent, foreign } = poisoned;
  const { parked, waiting } = await parkAccount(poisoned, '667');
  await house.installation.payflow('parked', 'discard', parked.consumer_group, parked.tenant, parked.record_key, ...BY);
  await untilFinal(poisoned, waiting);
  const codes = waiting.map(failureOf);
  equal(
    codes.filter((code) => code === 'discarded').length,
    waiting.length,
    `each discarded payment fails as discarded, not ${codes.join(', ')}`,
  );
  await expectBooksInOrder(house, sent, foreign);

  const payment = newPayment(merchant, random);
  const poison: SentPayment = {
    ...payment,
    body: {
      ...payment.body,
      source: merchant.accounts[0] ?? '',
      destination: merchant.accounts[1] ?? '',
      amount: '668',
    },
  };
  const subject = await withRule(house, 'payments', '668', async () => {
    await sendOnce(merchant, poison, 0);
    return untilParked(house, 'payments', poison.id ?? '');
  });
  await house.installation.payflow(
    'parked',
    'discard',
    subject.consumer_group,
    subject.tenant,
    subject.record_key,
    ...BY,
  );
  await untilFinal(poisoned, [poison]);
  equal(poison.final?.status, 402, 'a payment whose creation was discarded ends as refused');
  await expectBooksInOrder(house, sent, foreign);
  say(
    `discarded at the ledger: ${waiting.length} payments ended as failed (discarded); discarded at payments: 402 as well`,
  );
}

/**
 * A damaged copy of a command that nobody has carried out yet: the payment ends as refused instead of waiting for ever, and
 * the whole command changes nothing when it comes after all.
 */
export async function damagedAndRefused({ house, merchant, random, sent, foreign, say }: Poisoned): Promise<void> {
  const topic = 'payments.commands.v1';
  const payments = house.service('payments');
  const payment = newPayment(merchant, random);
  await payments.stop();
  await sendOnce(merchant, payment, 0);
  const whole = await until('its command is in the topic', async () =>
    (await house.records.readAll(topic)).find(({ key }) => key?.toString() === payment.id),
  );
  const { partition, offset } = whole;
  // However long the service takes to be back: the gateway would publish the whole command again, and of the two that one counts.
  await house.databases.asSuperuser(
    'gateway',
    `update pending_writes set republished_at = clock_timestamp() + interval '10 minutes'`,
  );
  await house.records.write(topic, [renewed(withData(whole, { capture: 'some day' }))]);
  const to = ['--to', String(offset + 1), '--skip', ...BY];
  await house.installation.payflow('positions', 'move', 'payments.commands', String(partition), ...to);
  await payments.start();
  await untilFinal({ merchant, sent }, [payment]);
  equal(failureOf(payment), 'command_malformed', 'a payment whose command came damaged is refused for it');
  await house.records.write(topic, [whole]);
  await house.untilCaughtUp();
  await sendOnce(merchant, payment);
  await expectBooksInOrder(house, sent, foreign);
  say('a payment whose command came damaged: 402 (command_malformed), and stays so when the command comes whole');
}

/** A database that answers too late is weather: nothing is parked for it. */
export async function brownOut({ house, merchant, random, sent, foreign, say }: Poisoned): Promise<void> {
  const load = new Load(merchant, { concurrency: 16, random });
  await until('payments flow', () => load.final > OTHERS);
  await house.databases.asSuperuser(
    'ledger',
    `begin; lock table accounts in exclusive mode; select pg_sleep(${LOCKED_S}); commit`,
  );
  await until('payments flow again', () => load.final > OTHERS * 4, DEADLINE_MS);
  sent.push(...(await load.finish()));
  equal(
    await house.databases.value('ledger', 'select count(*)::integer from parked_subjects'),
    0,
    'nothing is parked for a slow database',
  );
  await expectBooksInOrder(house, sent, foreign);
  say(`the ledger's accounts locked for ${LOCKED_S} s: nothing parked, ${load.sent.length} payments ended`);
}

function isParked({ databases }: House, { id }: SentPayment): Promise<number> {
  return databases.value<number>('payments', 'select count(*)::integer from parked_subjects where record_key = $1', [
    id,
  ]);
}

/** A process that dies in each message: alone, counted before it is tried, set aside at the third death, and the next one flows. */
export async function deathByMessage({ house, merchant, random, sent, foreign, say }: Poisoned): Promise<void> {
  const payments = house.service('payments');
  const poison = newPayment(merchant, random);
  await payments.stop();
  await sendOnce(merchant, poison, 0);
  let deaths = 0;
  let parked = false;
  while (!parked) {
    await payments.launch({ CRASH_AT: 'effect:1' });
    let dead = false;
    void payments.exited.then(() => (dead = true));
    await until(
      'the process died, or set the message aside',
      async () => {
        parked = (await isParked(house, poison)) > 0;
        return parked || dead;
      },
      DEADLINE_MS,
    );
    if (!parked) deaths++;
    ok(deaths <= 6, `${deaths} deaths, and the message is not set aside`);
  }
  await payments.stop();
  await payments.start();
  const [subject] = await house.databases.rows<Parked & { [column: string]: string }>(
    'payments',
    'select consumer_group, tenant, record_key from parked_subjects where record_key = $1',
    [poison.id],
  );
  ok(subject);
  await house.installation.payflow(
    'parked',
    'release',
    subject.consumer_group,
    subject.tenant,
    subject.record_key,
    ...BY,
  );
  await sendUntilFinal(merchant, poison, performance.now() + DEADLINE_MS);
  sent.push(poison);
  await expectBooksInOrder(house, sent, foreign);
  say(`a message whose handling killed the process ${deaths} times was set aside, and applied once released`);
}
