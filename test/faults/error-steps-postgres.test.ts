import { describeErrors } from './error-steps.js';

describeErrors('the disk fails at every step (postgres)', {
  kind: 'postgres',
  durability: 'full',
  faults: 6,
  only: ['a sweep', 'a forced re-run', 'register', 'delete with removeFile'],
});
