import type { Socket } from 'node:net';
import Connections from 'kafkajs/src/network/connection.js';
import Pools from 'kafkajs/src/network/connectionPool.js';

/** What all connections of a pool are made with. */
type Settings = Readonly<Record<string, unknown>>;

interface Connection extends Settings {
  /** Undefined until it has connected or tried to. */
  readonly socket?: Socket;
  readonly requestQueue: Settings;
  isConnected(): boolean;
  connect(): Promise<true>;
  processData(data: Buffer): void;
  setVersions(versions: unknown): void;
  setSupportAuthenticationProtocol(isSupported: unknown): void;
}

interface ConnectionPool {
  readonly logger: unknown;
  /** One for fetches, one for everything else. */
  readonly pool: Connection[];
  getConnection(index?: number): Promise<Connection>;
}

const KafkaConnection = Connections as {
  new (settings: Settings): Connection;
  readonly prototype: Connection;
};
const { prototype: pools } = Pools as { readonly prototype: ConnectionPool };

const opening = new WeakMap<Connection, Promise<true>>();

/**
 * kafkajs connects a connection anew that has lost its socket, and keeps what it had read of half an answer: the next answer is
 * taken for the rest of it, and so is every one after that. The old socket is listened to as well: its end, or a connect that comes
 * about after its time-out, ends the requests on the new one, or is taken for its connect. Here a connection has one socket in its
 * life, which those share who ask for it at the same time, and a new one takes its place.
 */
pools.getConnection = async function (this: ConnectionPool, index = 0) {
  const last = this.pool[index] as Connection;
  if (last.isConnected()) return last;
  const underWay = opening.get(last);
  const connection = last.socket && !underWay ? successorOf(last, this.logger) : last;
  this.pool[index] = connection;
  await (underWay ?? open(connection));
  return connection;
};

async function open(connection: Connection): Promise<true> {
  const opened = connection.connect();
  opening.set(connection, opened);
  try {
    return await opened;
  } catch (error) {
    // What timed out may yet come about, after a moment in which this process did not get to look.
    connection.socket?.destroy();
    throw error;
  } finally {
    opening.delete(connection);
  }
}

function successorOf(last: Connection, logger: unknown): Connection {
  const { enforceRequestTimeout, maxInFlightRequests, instrumentationEmitter } = last.requestQueue;
  const queue = { enforceRequestTimeout, maxInFlightRequests, instrumentationEmitter };
  const connection = new KafkaConnection({ ...last, ...queue, logger });
  connection.setVersions(last['versions']);
  connection.setSupportAuthenticationProtocol(last['supportAuthenticationProtocol']);
  return connection;
}

const { processData } = KafkaConnection.prototype;

/** What is no answer, of a broker that is none, is thrown among the listeners of the socket, where it ends the process. */
KafkaConnection.prototype.processData = function (this: Connection, data) {
  try {
    processData.call(this, data);
  } catch (error) {
    this.socket?.destroy(error as Error);
  }
};
