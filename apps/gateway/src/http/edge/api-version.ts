import { CHANGELOG } from '../docs/changelog.js';

/** The versions of the API, newest first, by the dates on which they began: one per entry of the changelog that breaks something, and the first. */
export const API_VERSIONS = CHANGELOG.filter(({ version }) => version);
/** The version that answers where a request asks for none. */
export const API_VERSION: string = API_VERSIONS[0]?.date ?? '';
