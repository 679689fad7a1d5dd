/** Whether a name that a caller has given to something may be written into logs and kept. */
export type KeepsName = (name: string) => boolean;

/** For who knows nothing of names that must not be. */
export const keepsAnyName: KeepsName = () => true;
