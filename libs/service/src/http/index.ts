/** Of the HTTP edge what a process that is no service shares: it loads neither Nest nor a database. */
export { serveBothVersions } from './both-versions.js';
export { traceRequests } from './server-span.js';
