// By its path, not as @payflow/local-stack: the launcher runs before npm has linked the workspaces.
// eslint-disable-next-line @nx/enforce-module-boundaries
export * from '../../deploy/local/index.mjs';
