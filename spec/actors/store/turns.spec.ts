// Queries that share a thread.
import { setImmediate as soon } from 'node:timers/promises';
import { expect } from 'chai';
import type { QueryAnswer } from '../../../actors/store/query/answers.ts';
import { type Program, type Rows, statement, Watch } from '../../../actors/store/query/program.ts';
import { queryFault, Turns } from '../../../actors/store/turns.ts';

const NOTHING: QueryAnswer = { lines: [] };
const PATIENT_MS = 60_000;

/** Takes `times` statements. */
function* asks(times: number): Program<QueryAnswer> {
  for (let i = 0; i < times; i++) yield statement('SELECT');
  return NOTHING;
}

describe('Turns', () => {
  const slow = (): Rows => {
    for (const until = performance.now() + 0.1; performance.now() < until; );
    return [];
  };
  const ask = (turns: Turns, program: Program<QueryAnswer>, watch = new Watch(PATIENT_MS)): Promise<QueryAnswer> =>
    new Promise((resolve, reject) => turns.start({ program, watch }, (outcome) => ('value' in outcome ? resolve(outcome.value) : reject(outcome.error))));
  const fault = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'it was answered',
      (error: unknown) => queryFault(error, (other) => ({ code: 'corrupt', message: String(other) })),
    );

  it('answers a light query while heavy ones run, within a turn', async () => {
    const cancel = new Int32Array(new SharedArrayBuffer(4));
    let statements = 0;
    const turns = new Turns(() => {
      statements++;
      return slow();
    });
    const heavy = Array.from({ length: 40 }, () => fault(ask(turns, asks(Number.POSITIVE_INFINITY), new Watch(PATIENT_MS, cancel))));
    try {
      while (statements < 3_000) await soon();
      const before = statements;
      expect(await ask(turns, asks(3))).to.equal(NOTHING);
      expect(statements - before).to.be.below(60); // a turn is 5 ms: at most fifty of these statements
    } finally {
      cancel[0] = 1; // else they go on, and with them the process
    }
    for (const ended of await Promise.all(heavy)) expect(ended).to.deep.equal({ code: 'cancelled', message: 'the query was cancelled' });
    const after = statements;
    await soon();
    expect(statements).to.equal(after);
  });

  it('gives each its turn: the sooner it is done, the less it asks', async () => {
    const turns = new Turns(slow);
    const done: number[] = [];
    await Promise.all([800, 200, 400].map(async (times) => done.push((await ask(turns, asks(times))) && times)));
    expect(done).to.deep.equal([200, 400, 800]);
  });

  it('gives a query up that takes longer than its budget, while it waits too', async () => {
    const turns = new Turns(slow);
    const { code } = (await fault(ask(turns, asks(Number.POSITIVE_INFINITY), new Watch(20)))) as { readonly code: string };
    expect(code).to.equal('timeout');
  });

  it('tells of what goes wrong in a statement and goes on with the others', async () => {
    const turns = new Turns(({ sql }) => {
      if (sql === 'broken') throw new Error('malformed');
      return [];
    });
    function* broken(): Program<QueryAnswer> {
      yield statement('broken');
      return NOTHING;
    }
    const other = ask(turns, asks(1));
    expect(await fault(ask(turns, broken()))).to.deep.equal({ code: 'corrupt', message: 'Error: malformed' });
    expect(await other).to.equal(NOTHING);
  });

  it('lets others in where a program needs nothing but time', async () => {
    let breaths = 0;
    function* breathing(): Program<QueryAnswer> {
      for (; breaths < 10; breaths++) expect(yield undefined).to.deep.equal([]);
      return NOTHING;
    }
    expect(await ask(new Turns(() => expect.fail('a statement was run')), breathing())).to.equal(NOTHING);
    expect(breaths).to.equal(10);
  });
});
