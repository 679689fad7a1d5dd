import { describe, expect, it } from 'vitest';
import { packFrame, packFrameAside, unpackFrame } from './codec.js';

const frame = (text: string) => ({ at: 1_795_652_736_635, tokens: ['a-b', 'c_d'], text });

describe('a frame', () => {
  it.each([
    ['nothing', ''],
    ['a little', 'grüße'],
    ['lines', 'one\ntwo\n'],
    ['much', 'payment '.repeat(1_000)],
  ])('with %s comes back as it was', async (_, text) => {
    expect(unpackFrame(packFrame(frame(text)))).toEqual(frame(text));
    expect(unpackFrame(await packFrameAside(frame(text)))).toEqual(frame(text));
  });

  it('with much is deflated, and with a little is not', () => {
    expect(packFrame(frame('payment '.repeat(1_000))).length).toBeLessThan(200);
    expect(packFrame(frame('payment')).toString()).toMatch(/payment$/);
  });

  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is of another format', Buffer.from('c0 1 plain a\nx')],
    ['has no end of its head', Buffer.from('c1 1 plain a')],
    ['is cut', packFrame(frame('payment '.repeat(1_000))).subarray(0, 60)],
  ])('that %s is none', (_, bytes) => {
    expect(unpackFrame(bytes)).toBeUndefined();
  });
});
