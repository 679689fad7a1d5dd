import { argon2Sync } from 'node:crypto';
import { Problem } from '@payflow/service';
import { describe, expect, it } from 'vitest';
import { Passwords } from './passwords.js';

const passwords = new Passwords();
const ONE = 'org_one';

describe('a password', () => {
  it('is kept as argon2id with at least the parameters that OWASP asks for, each time under another salt', async () => {
    const [one, other] = [
      await passwords.hash('correct horse battery', ONE),
      await passwords.hash('correct horse battery', ONE),
    ];
    const [, memory, passes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(one) ?? [];
    expect([Number(memory) >= 19_456, Number(passes) >= 2]).toEqual([true, true]);
    expect(one).not.toBe(other);
    expect(passwords.isOutdated(one)).toBe(false);
  });

  it('is right or not, and none is right where none is kept', async () => {
    const kept = await passwords.hash('correct horse battery', ONE);
    expect(await passwords.isRight('correct horse battery', kept, ONE)).toBe(true);
    expect(await passwords.isRight('correct horse batterz', kept, ONE)).toBe(false);
    expect(await passwords.isRight('correct horse battery', null, ONE)).toBe(false);
    expect(await passwords.isRight('correct horse battery', 'not a hash', ONE)).toBe(false);
  });

  it('is the same however its letters are composed', async () => {
    expect(
      await passwords.isRight('cafe\u0301 au lait noir', await passwords.hash('café au lait noir', ONE), ONE),
    ).toBe(true);
  });

  it('that was kept with cheaper parameters is still right, and outdated', async () => {
    const salt = Buffer.alloc(16, 7);
    const of = { message: Buffer.from('correct horse battery'), nonce: salt, memory: 8_192, passes: 1 };
    const hash = argon2Sync('argon2id', { ...of, parallelism: 1, tagLength: 32 });
    const text = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
    const kept = `$argon2id$v=19$m=8192,t=1,p=1$${text(salt)}$${text(hash)}`;
    expect(await passwords.isRight('correct horse battery', kept, ONE)).toBe(true);
    expect(passwords.isOutdated(kept)).toBe(true);
  });

  it('of a crowd is looked at two at a time, and too large a crowd is told to come back', async () => {
    const crowd = new Passwords();
    const results = await Promise.allSettled(
      Array.from({ length: 110 }, (_, at) => crowd.isRight('a guess at it', null, `org_${at}`)),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(8);
    for (const { reason } of refused) expect((reason as Problem).code).toBe('unavailable');
  }, 30_000);

  it('of one that asks for too many keeps nobody else from having one looked at', async () => {
    const crowd = new Passwords();
    let done = 0;
    const many = Promise.allSettled(
      Array.from({ length: 110 }, () => crowd.hash('a password of many', ONE).then(() => done++)),
    );
    expect(await crowd.isRight('a guess at it', null, 'org_other')).toBe(false);
    // In the next place, and not behind what one had asked for before.
    expect(done).toBeLessThan(5);
    const refused = (await many).filter((result) => result.status === 'rejected');
    // Of the eleven that may ask, those whose turn comes too late are told so as well: how many that is goes by the machine.
    expect(refused.length).toBeGreaterThanOrEqual(99);
    expect(refused.length + done).toBe(110);
  }, 30_000);
});
