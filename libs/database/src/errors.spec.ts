import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { RunAgain, isConnectionLoss, isDeterministic, isSerializationConflict, sqlState } from './errors.js';

const pg = (code: string, more: object = {}) => Object.assign(new Error('spec'), { code, ...more });

describe('an error', () => {
  it.each([
    ['a check that names its constraint', pg('23514', { constraint: 'accounts_floor' }), true],
    ['a unique violation', pg('23505', { constraint: 'x' }), true],
    ['a row that a statement writes twice', pg('21000'), true],
    ['a value out of range', pg('22003'), true],
    ['a failed assertion', new AssertionError({ message: 'spec' }), true],
    ['a TypeError', new TypeError('spec'), true],
    ['a partition that is not there', pg('23514'), false],
    ['a lost deadlock', pg('40P01'), false],
    ['a statement that took too long', pg('57014'), false],
    ['a missing column', pg('42703'), false],
    ['a connection that broke', pg('EPIPE'), false],
    ['anything else', new Error('spec'), false],
    ['no error at all', 'spec', false],
  ])('%s is met again for certain: %s', (_, error, expected) => {
    expect(isDeterministic(error)).toBe(expected);
  });

  it.each([
    ...['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
    ...['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'ERR_SSL_BAD_RECORD_TYPE'],
    ...['57P01', '08006', '53300', '25006', '25P03'],
  ])('%s means that the server or the way to it is gone', (code) => {
    expect(isConnectionLoss(pg(code))).toBe(true);
  });

  it.each([
    'timeout exceeded when trying to connect',
    'Connection terminated due to connection timeout',
    'Client was closed and is not queryable',
    'Cannot use a pool after calling end on the pool',
  ])('"%s" means so, too', (message) => {
    expect(isConnectionLoss(new Error(message))).toBe(true);
  });

  it("of Node's is not taken for an SQLSTATE of the same length", () => {
    expect(sqlState(pg('EPIPE'))).toBeUndefined();
    expect(sqlState(pg('40001'))).toBe('40001');
    expect(sqlState(pg('P0001'))).toBe('P0001');
  });

  it('of a lost race runs the transaction again', () => {
    expect(isSerializationConflict(new RunAgain('spec'))).toBe(true);
    expect(isSerializationConflict(pg('40001'))).toBe(true);
    expect(isSerializationConflict(pg('23505'))).toBe(false);
  });
});
