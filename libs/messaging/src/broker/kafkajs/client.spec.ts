import { configureLogging } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import { API, PlayedBroker, framed, int16, int32 } from '../../testing/played-broker.js';
import { kafkajsBroker } from './client.js';

const UNSUPPORTED_SASL_MECHANISM = 33;

it('names the reason why a broker lets nobody in, though kafkajs logs an error where it owes a text', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line) => void lines.push(line) } });
  const seed = await PlayedBroker.start();
  const other = await PlayedBroker.start((socket, asked, answer) => {
    const refused = framed(asked, Buffer.concat([int16(UNSUPPORTED_SASL_MECHANISM), int32(0)]));
    socket.write(asked.api === API.saslHandshake ? refused : answer);
  });
  seed.named = other.port;
  const sasl = { mechanism: 'plain', username: 'u', password: 'p' } as const;
  const admin = await kafkajsBroker({ brokers: [`127.0.0.1:${seed.port}`], clientId: 'spec', sasl }).admin();
  await expect(admin.brokers()).rejects.toThrow('SASL mechanism');
  await admin.close();
  await Promise.all([seed.stop(), other.stop()]);
  configureLogging({ level: 'silent' });
  expect(lines.join('')).toMatch(/"component":"kafkajs".*SASL mechanism/);
});
