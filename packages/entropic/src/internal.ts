// For this workspace's own tests. No promise is made about any of it.
export { openStore } from './store.js';
