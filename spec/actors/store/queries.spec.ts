// Queries, against a naive model, on both engines.
import { ENGINES } from '../../support/engines.ts';
import { itAnswersQueries } from '../../support/query-suite.ts';

describe('Queries', () => {
  for (const engine of ENGINES) {
    describe(`of ${engine.name}`, () => {
      itAnswersQueries(async (root) => {
        const under = await engine.fresh(root);
        await under.start();
        return under.store;
      });
    });
  }
});
