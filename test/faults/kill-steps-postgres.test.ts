import { describeKills } from './kill-steps.js';

describeKills('a process is killed at every step (postgres)', {
  kind: 'postgres',
  durability: 'full',
  kills: 6,
  only: ['a sweep', 'runOrRetrieve', 'a forced re-run', 'register', 'delete with removeFile', 'a sweep after a kill'],
});
