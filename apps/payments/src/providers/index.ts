/** What the operator's tool needs of attempts. */
export { attemptsInNeed, type AttemptListing } from './attempt.repository.js';
export { resolvingOf, type AttemptOwner } from './provider-jobs.js';
