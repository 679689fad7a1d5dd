/** The one version of the API so far. Answers name it; a request may ask for it. */
export const API_VERSION = '2026-11-20';
