/**
 * How Node runs a service. A message's objects live for some milliseconds, and in the usual 16 MB of new space a busy service
 * would sweep them too often while they live: 32 MB took 7 % off the CPU of a payment, and 64 MB from the start as much again
 * off that of a posting. `deploy/Dockerfile` says the same.
 */
export const serviceNodeArgs = ['--enable-source-maps', '--min-semi-space-size=64', '--max-semi-space-size=64'];
