import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ID_PREFIXES,
  derivedUuid,
  fromUuid,
  idPattern,
  isClientId,
  newId,
  ownUuid,
  toUuid,
  uuidOf,
  type IdKind,
} from './ids.js';

const kinds = Object.keys(ID_PREFIXES) as IdKind[];
const uuids = fc.uuid();

describe('ids', () => {
  it("are TypeIDs: the specification's own vectors", () => {
    expect(fromUuid('event', '00000000-0000-0000-0000-000000000000')).toBe('evt_00000000000000000000000000');
    expect(fromUuid('event', '00000000-0000-0000-0000-00000000000a')).toBe('evt_0000000000000000000000000a');
    expect(fromUuid('event', '00000000-0000-0000-0000-000000000010')).toBe('evt_0000000000000000000000000g');
    expect(fromUuid('event', '00000000-0000-0000-0000-000000000020')).toBe('evt_00000000000000000000000010');
    expect(fromUuid('event', 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('evt_7zzzzzzzzzzzzzzzzzzzzzzzzz');
    expect(fromUuid('event', '0110c853-1d09-52d8-d73e-1194e95b5f19')).toBe('evt_0123456789abcdefghjkmnpqrs');
    expect(fromUuid('event', '01890a5d-ac96-774b-bcce-b302099a8057')).toBe('evt_01h455vb4pex5vsknk084sn02q');
  });

  it('give back the UUID they were made of, for every kind', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), uuids, (kind, uuid) => {
        expect(toUuid(kind, fromUuid(kind, uuid))).toBe(uuid);
        expect(fromUuid(kind, uuid)).toMatch(new RegExp(idPattern(kind)));
      }),
    );
  });

  it('are ordered as their UUIDs are', () => {
    fc.assert(
      fc.property(uuids, uuids, (a, b) => {
        expect(fromUuid('payment', a) < fromUuid('payment', b)).toBe(a < b);
      }),
    );
  });

  it('made new are fit for clients, and made by clients must be UUIDv7', () => {
    for (const kind of kinds) expect(isClientId(kind, newId(kind))).toBe(true);
    expect(isClientId('payment', fromUuid('payment', '0110c853-1d09-42d8-873e-1194e95b5f19'))).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['another kind', newId('account')],
    ['no prefix', newId('payment').slice(4)],
    ['a suffix that is too short', newId('payment').slice(0, -1)],
    ['a suffix that is too long', `${newId('payment')}0`],
    ['more than 128 bits', 'pay_8zzzzzzzzzzzzzzzzzzzzzzzzz'],
    ['upper case', newId('payment').toUpperCase()],
    ['letters that are left out', 'pay_0000000000000000000000000l'],
    ['letters beyond ASCII', 'pay_0000000000000000000000000é'],
    ['a number', 7],
    ['null', null],
  ])('are not %s', (_, id) => {
    expect(toUuid('payment', id)).toBeUndefined();
  });

  it('derived of a UUID are the same each time, of its time, and others under other names', () => {
    const uuid = uuidOf('payment', newId('payment'));
    const [first, again, second] = [derivedUuid(uuid, 0), derivedUuid(uuid, 0), derivedUuid(uuid, 1)];
    expect(again).toBe(first);
    expect(second).not.toBe(first);
    expect(isClientId('transfer', fromUuid('transfer', first))).toBe(true);
    expect(first.slice(0, 13)).toBe(uuid.slice(0, 13));
  });

  it('of a service’s own are derived likewise, and none that a client can choose', () => {
    const uuid = uuidOf('payment', newId('payment'));
    expect(ownUuid(uuid, 0)).toBe(ownUuid(uuid, 0));
    expect(ownUuid(uuid, 1)).not.toBe(ownUuid(uuid, 0));
    expect(isClientId('refund', fromUuid('refund', ownUuid(uuid, 0)))).toBe(false);
    expect(uuidOf('refund', fromUuid('refund', ownUuid(uuid, 0)))).toBe(ownUuid(uuid, 0));
  });

  it('that a schema let through though they are malformed are a bug', () => {
    expect(() => uuidOf('payment', 'pay_x')).toThrow(TypeError);
  });
});
