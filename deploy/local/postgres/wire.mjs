import { exchange } from '../ready.mjs';

const protocolVersion = 196_608;

/**
 * Whether the server takes clients: it answers a start-up message with a request to authenticate. While it starts or
 * recovers it answers with an error instead.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export async function acceptsClients(port) {
  const answer = await exchange({ port, request: startupMessage(), complete: (bytes) => bytes.length > 0 });
  return answer[0] === 'R'.charCodeAt(0);
}

function startupMessage() {
  const body = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(protocolVersion, 4);
  return Buffer.concat([head, body]);
}
