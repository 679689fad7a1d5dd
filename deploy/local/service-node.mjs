/**
 * How Node runs a service. A message's objects live for some milliseconds, and in the usual 16 MB of new space a busy service
 * would sweep them too often while they live: 32 MB took 7 % off the CPU of a payment. `deploy/Dockerfile` says the same.
 */
export const serviceNodeArgs = [
  '--disable-warning=TimeoutNegativeWarning',
  '--enable-source-maps',
  '--max-semi-space-size=32',
];
