import { describeErrors } from './error-steps.js';

describeErrors('the disk fails at every step (sqlite)', { kind: 'sqlite', durability: 'full', faults: 12 });
describeErrors('the disk fails at every step of a process that does not fsync (sqlite)', {
  kind: 'sqlite',
  durability: 'process',
  faults: 6,
  only: ['a sweep', 'a forced re-run'],
});
