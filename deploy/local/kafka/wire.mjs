import { exchange } from '../ready.mjs';

const metadataKey = 3;
const metadataVersion = 4;

/**
 * The ids of the brokers that are in service, as one of them sees it: Kafka's own Metadata request (version 4).
 * @param {number} port
 * @returns {Promise<number[]>}
 */
export async function liveBrokers(port) {
  const answer = await exchange({ port, request: metadataRequest(), complete: isWhole });
  return brokerIds(answer);
}

function metadataRequest() {
  const client = Buffer.from('payflow');
  const body = Buffer.alloc(8 + 2 + client.length + 4 + 1);
  body.writeInt16BE(metadataKey, 0);
  body.writeInt16BE(metadataVersion, 2);
  body.writeInt32BE(1, 4);
  body.writeInt16BE(client.length, 8);
  client.copy(body, 10);
  // No topics (an empty array), and none to be created: the brokers are all that is asked for.
  body.writeInt32BE(0, 10 + client.length);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

/** @param {Buffer} answer */
function isWhole(answer) {
  return answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0);
}

/** @param {Buffer} answer  size, correlation id, throttle time, then the brokers: id, host, port, rack */
function brokerIds(answer) {
  let at = 12;
  const count = answer.readInt32BE(at);
  at += 4;
  const ids = [];
  for (let index = 0; index < count; index += 1) {
    ids.push(answer.readInt32BE(at));
    at += 4;
    at += 2 + answer.readInt16BE(at) + 4;
    at += 2 + Math.max(0, answer.readInt16BE(at));
  }
  return ids;
}
