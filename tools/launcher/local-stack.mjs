// By its path, not as @payflow/local-stack: the launcher runs before npm has linked the workspaces.
export * from '../../deploy/local/index.mjs';
