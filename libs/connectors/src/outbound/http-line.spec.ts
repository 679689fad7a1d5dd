import { defineConfiguration, readConfiguration } from '@payflow/service';
import { describe, expect, it } from 'vitest';
import { httpFields } from './http-fields.js';
import { poolOptions } from './http-line.js';

const base = 'https://api.example.com/v1/';

describe('a provider is called, where nothing else is said,', () => {
  const defaults = readConfiguration(defineConfiguration('spec', httpFields), {});

  it('for 30 s in all, over 10 connections of HTTP/1.1, at whatever rate', () => {
    expect(defaults).toMatchObject({
      URL: undefined,
      MODE: 'both',
      HTTP2: false,
      CONNECTIONS: 10,
      TIME_LIMIT: 30_000,
      RATE_PER_S: undefined,
    });
  });

  it('over connections that are made in 10 s and kept for 60 s, one call at a time on each', () => {
    expect(poolOptions({ base, connections: defaults.CONNECTIONS, isHttp2: defaults.HTTP2 })).toMatchObject({
      connections: 10,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      keepAliveMaxTimeout: 60_000,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: 10_000, allowH2: false },
      allowH2: false,
    });
  });
});

it('over HTTP/2 ten calls share a connection, and without TLS that is known before', () => {
  const http2 = { pipelining: 10, allowH2: true, preferH2: true, h2Options: { maxConcurrentStreams: 10 } };
  const overTls = poolOptions({ base, connections: 2, isHttp2: true });
  expect(overTls).toMatchObject({ connections: 2, ...http2, connect: { timeout: 10_000, allowH2: true } });
  expect(overTls.connect).not.toHaveProperty('useH2c');
  expect(poolOptions({ base: 'http://127.0.0.1:9', connections: 2, isHttp2: true })).toMatchObject({
    ...http2,
    connect: { useH2c: true },
  });
});
