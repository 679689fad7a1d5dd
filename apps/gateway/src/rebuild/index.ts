export { REBUILT_VIEWS, type RebuiltName } from './rebuilt-views.js';
export { ViewRebuild, type Rebuilt } from './view-rebuild.js';
