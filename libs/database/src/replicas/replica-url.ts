/** A replica's address, taken from its URL. */
export interface ReplicaUrl {
  /** Without what is ours in it. */
  readonly url: string;
  /** `host:port`, for logs and metrics. */
  readonly name: string;
  readonly weight: number;
}

const PORT = '5432';
const WEIGHT_MAX = 100;

/** Reads the URL of a replica. Throws a RangeError where its weight is no whole number from 1 to 100. */
export function parseReplicaUrl(text: string): ReplicaUrl {
  const url = new URL(text);
  const weight = url.searchParams.get('weight') ?? '1';
  if (!/^[1-9]\d{0,2}$/.test(weight) || Number(weight) > WEIGHT_MAX)
    throw new RangeError(`the weight of a replica is a whole number from 1 to ${WEIGHT_MAX}`);
  url.searchParams.delete('weight');
  return { url: url.toString(), name: `${url.hostname}:${url.port || PORT}`, weight: Number(weight) };
}
