// Queries of the SQLite store, against a naive model.
import { itAnswersQueries } from '../../support/query-suite.ts';
import { TestStore } from '../../support/store.ts';

describe('Queries', () => {
  describe('of SQLite', () => {
    itAnswersQueries(async (root) => {
      const under = new TestStore(root);
      await under.start();
      return under.store;
    });
  });
});
