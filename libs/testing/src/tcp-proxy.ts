import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that can refuse connections, cut them, and cut them, or let them fall silent, after a certain request went through. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #servers = new Set<Socket>();
  #port = 0;
  /** The answer to the next request that contains this text is cut off; the request itself arrives. */
  cutAfter: string | undefined;
  /**
   * What that answer must hold before it is cut; without, it is cut as it begins. A server that still has something to say to who has
   * gone may leave the rest of the request undone.
   */
  cutAt = '';
  /** With that answer all is cut, and nobody is let in, until it is opened again: a server that goes down. */
  isLast = false;
  /** How often that has happened. */
  cuts = 0;
  /** The connection on which the next request that contains this text goes says nothing more, and stays open: its host died. */
  silentAfter: string | undefined;
  #stalled = false;

  constructor(private readonly target: URL) {
    this.#server = createServer((client) => this.#forward(client));
  }

  /** The target's URL through the proxy. */
  get url(): string {
    return Object.assign(new URL(this.target), { hostname: '127.0.0.1', port: String(this.#port) }).toString();
  }

  /** Whether anybody is let in. */
  get isOpen(): boolean {
    return this.#server.listening;
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

  /** Holds back everything that the target says, without closing anything: a network that swallows packets. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    for (const socket of this.#servers)
      if (stalled) socket.pause();
      else socket.resume();
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
    this.#servers.add(server);
    server.on('close', () => this.#servers.delete(server));
    client.on('data', (bytes) => this.#toServer(bytes, client, server));
    server.on('data', (bytes) => client.write(bytes));
    if (this.#stalled) server.pause();
  }

  #toServer(bytes: Buffer, client: Socket, server: Socket): void {
    if (this.cutAfter && bytes.includes(this.cutAfter)) {
      this.cutAfter = undefined;
      this.cuts++;
      // The server ends its work and answers into nothing.
      server.removeAllListeners('data');
      server.on('data', (answer) => {
        if (answer.includes(this.cutAt)) void (this.isLast ? this.close() : client.destroy());
      });
      server.write(bytes);
      return;
    }
    if (this.silentAfter && bytes.includes(this.silentAfter)) {
      this.silentAfter = undefined;
      server.removeAllListeners('data');
      server.resume();
    }
    server.write(bytes);
  }
}
