import type { Operation } from './operation.js';

/** What the resources are, in a sentence each. */
const TAGS: Readonly<Record<string, string>> = {
  payments: "A customer's intent to move money, by the ledger alone or over a provider.",
  refunds: 'Money of captured payments that was given back.',
  captures: 'Parts of authorized payments that were taken.',
  accounts: 'What money is on; each of one asset.',
  transfers: 'Movements of money from one account to another, one or many together.',
  transfer_groups: 'Transfers that were booked together, all or none.',
  holds: 'Money that is set aside.',
  conversions: 'One asset for another, at a rate.',
  assets: 'Currencies, crypto assets, and units of your own.',
  trial_balance: 'What all books come to.',
  periods: 'Months, and their closing.',
  transaction_types: 'Which accounts a kind of transfer may touch, and the template that makes its parts.',
  monitoring: 'How the installation is.',
  provider_webhooks: 'What providers call.',
  attempts: 'What was asked of providers.',
  disputes: 'Payments that a customer had called back at their bank.',
  limits: 'How much, and how often, may be paid.',
  risk_rules: 'What a payment is looked at for before it is made.',
  reviews: 'Payments that wait for a human.',
  auth: 'Logging in, the sessions of a user, and who one is.',
  users: 'People of the organisation, and what they may do.',
  keys: 'What programs come in with, and what each may do.',
  audit_log: 'Who changed what, when, and from where.',
  request_log: 'What was asked for, and how it was answered.',
  search: 'One place to look for an id, a reference, a path or an idempotency key.',
  transactions: 'The history of an account or a user, for people to read.',
  test: 'The clock of test mode, and beginning anew.',
  blocks: 'Keys and users that are not let in for a while, because they guessed at ids.',
};

/** The resource that an operation is listed under: the first part of its path. */
export function tagOf({ path }: Pick<Operation, 'path'>): string {
  return path.split('/')[3] ?? '';
}

/** The tags of the operations, in the order in which they come. */
export function tagsOf(operations: readonly Operation[]): { name: string; description: string }[] {
  return [...new Set(operations.map(tagOf))].map((name) => {
    const description = TAGS[name];
    if (description === undefined) throw new Error(`say in tags.ts what ${name} is`);
    return { name, description };
  });
}
