import { describeKills } from './kill-steps.js';

describeKills('a process is killed at every step (sqlite)', { kind: 'sqlite', durability: 'full', kills: 18 });
describeKills('a process that does not fsync is killed at every step (sqlite)', {
  kind: 'sqlite',
  durability: 'process',
  kills: 6,
  only: ['a sweep', 'a forced re-run', 'a sweep after a kill'],
});
