import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A request as far as an answer depends on it. */
export interface Asked {
  readonly api: number;
  readonly correlation: number;
  /** On the how manieth connection it came, from 1. */
  readonly connection: number;
}

/** What is done about a request, instead of writing the right answer. */
export type Play = (socket: Socket, asked: Asked, answer: Buffer) => void;

export const API = { metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 } as const;
/** The newest that is spoken here, of each. */
const VERSIONS = [
  [API.metadata, 2],
  [API.saslHandshake, 1],
  [API.apiVersions, 2],
  [API.saslAuthenticate, 0],
] as const;
const SIZE_BYTES = 4;
const NODE = 1;

/** A broker on a real socket that knows as much of Kafka's protocol as takes a client to ask for the brokers, and plays what a spec wants. */
export class PlayedBroker {
  connections = 0;
  /** Of the broker that the metadata name; this one's by default. */
  named: number | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly play: Play,
  ) {}

  static async start(play: Play = (socket, _asked, answer) => void socket.write(answer)): Promise<PlayedBroker> {
    const server = createServer();
    const broker = new PlayedBroker(server, play);
    server.on('connection', (socket) => broker.take(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return broker;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(socket: Socket): void {
    const connection = ++this.connections;
    this.sockets.add(socket);
    let read = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      while (read.length >= SIZE_BYTES && read.length >= SIZE_BYTES + read.readInt32BE(0)) {
        const asked = { api: read.readInt16BE(4), correlation: read.readInt32BE(8), connection };
        read = read.subarray(SIZE_BYTES + read.readInt32BE(0));
        this.play(socket, asked, framed(asked, this.answerTo(asked)));
      }
    });
  }

  private answerTo({ api }: Asked): Buffer {
    switch (api) {
      case API.apiVersions:
        return Buffer.concat([
          int16(0),
          int32(VERSIONS.length),
          ...VERSIONS.flatMap(([known, newest]) => [int16(known), int16(0), int16(newest)]),
          int32(0),
        ]);
      case API.metadata:
        return Buffer.concat([
          ...[int32(1), int32(NODE), text('127.0.0.1'), int32(this.named ?? this.port), text(null)],
          ...[text('played'), int32(NODE), int32(0)],
        ]);
      case API.saslHandshake:
        return Buffer.concat([int16(0), int32(1), text('PLAIN')]);
      case API.saslAuthenticate:
        return Buffer.concat([int16(0), text(null), int32(0)]);
      default:
        throw new Error(`API ${api} is not played`);
    }
  }
}

/** An answer as it goes over the wire. */
export function framed({ correlation }: Asked, answer: Buffer): Buffer {
  return Buffer.concat([int32(SIZE_BYTES + answer.length), int32(correlation), answer]);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string | null): Buffer {
  return value === null ? int16(-1) : Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
}
