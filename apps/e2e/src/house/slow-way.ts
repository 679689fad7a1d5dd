import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server on which every answer can be made to come later. */
export class SlowWay {
  private readonly listener: Server;
  private readonly sockets = new Set<Socket>();
  /** How much later what the server says arrives, ms; its order stays. */
  delay_ms = 0;

  private constructor(private readonly target: URL) {
    this.listener = createServer((client) => this.forward(client));
  }

  static async to(url: string): Promise<SlowWay> {
    const way = new SlowWay(new URL(url));
    way.listener.listen(0, '127.0.0.1');
    await once(way.listener, 'listening');
    return way;
  }

  /** The server's URL by this way. */
  get url(): string {
    const { port } = this.listener.address() as AddressInfo;
    return Object.assign(new URL(this.target), { hostname: '127.0.0.1', port: String(port) }).toString();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private forward(client: Socket): void {
    const server = connect({ host: this.target.hostname, port: Number(this.target.port) });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      if (this.delay_ms === 0) client.write(bytes);
      else setTimeout(() => client.destroyed || client.write(bytes), this.delay_ms);
    });
  }
}
