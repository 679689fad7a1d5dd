import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that can refuse connections, cut them, and cut them right after a certain request went through. */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  /** The answer to the next request that contains this text is cut off; the request itself arrives. */
  cutAfter: string | undefined;
  /** How often that has happened. */
  cuts = 0;

  constructor(private readonly target: URL) {
    this.#server = createServer((client) => this.#forward(client));
  }

  /** The target's URL through the proxy. */
  get url(): string {
    return Object.assign(new URL(this.target), { hostname: '127.0.0.1', port: String(this.#port) }).toString();
  }

  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections and refuses new ones, until it is opened again. */
  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #forward(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (bytes) => this.#toServer(bytes, client, server));
    server.pipe(client);
  }

  #toServer(bytes: Buffer, client: Socket, server: Socket): void {
    if (this.cutAfter && bytes.includes(this.cutAfter)) {
      this.cutAfter = undefined;
      this.cuts++;
      server.unpipe(client);
      server.write(bytes);
      // The server ends its work and answers into nothing.
      server.once('data', () => client.destroy());
      server.resume();
      return;
    }
    server.write(bytes);
  }
}
