// Taps: each push monitor gets what it wants, in one message, in order, whatever it is found by.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Log, Metric } from '../../actors/event.ts';
import { Post } from '../../actors/inbox.ts';
import { Taps, type Wanted } from '../../actors/taps.ts';
import { UnderWay } from '../../actors/under-way.ts';
import { Root } from '../support/actors.ts';
import { noreply, ok, startLink } from '../../lib/gen-server.ts';
import { eventually } from '../support/eventually.ts';

const word = fc.constantFrom('a', 'b', 'constructor', '__proto__');
const metric = fc.record({ name: word, service: word, value: fc.integer() }).map((some): Metric => ({ ...some, tags: {}, timestamp: 0 }));
const log = fc.record({ message: word, service: word }).map((some): Log => ({ ...some, level: 'info', tags: {}, timestamp: 0 }));
const choice = fc.record({ service: fc.option(word, { nil: undefined }), name: fc.option(word, { nil: undefined }), even: fc.boolean() });

const wantedOf = ({ service, name, even }: { service: string | undefined; name: string | undefined; even: boolean }): Wanted => ({
  wants: (item) =>
    (service === undefined || item.service === service) &&
    (name === undefined || ('value' in item && item.name === name)) &&
    (!even || ('value' in item && item.value % 2 === 0)),
  service,
  name,
});

describe('Taps', () => {
  let root: Root;
  beforeEach(() => {
    root = new Root();
  });
  afterEach(() => root.end());

  it('hand each push monitor what it wants, as if each were asked of everything, also after it wants something else or is gone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(choice, { maxLength: 4 }),
        fc.array(choice, { maxLength: 4 }),
        fc.nat({ max: 3 }),
        fc.array(fc.oneof(metric, log), { maxLength: 12 }),
        async (first, second, gone, items) => {
          const taps = new Taps(new Post(), new UnderWay());
          const got = new Map<string, (readonly (Metric | Log)[])[]>();
          const open = async (name: string, wanted: Wanted): Promise<void> => {
            const handleCast = (pushed: { readonly items: readonly (Metric | Log)[] }, state: number) => {
              got.set(name, [...(got.get(name) ?? []), pushed.items]);
              return noreply(state);
            };
            const pid = await root.start({ id: name, start: (parent) => startLink(parent, { init: () => ok(0), handleCast }) });
            taps.open(name, pid, wanted);
          };
          const now = new Map<string, Wanted>();
          for (const choices of [first, second])
            for (const [i, one] of choices.entries()) {
              await open(`m${i}`, wantedOf(one));
              now.set(`m${i}`, wantedOf(one));
            }
          taps.close(`m${gone}`);
          now.delete(`m${gone}`);
          const due = [...now].map(([name, { wants }]) => [name, items.filter(wants)] as const).filter(([, wanted]) => wanted.length > 0);
          expect(taps.push(items, 0, 1)).to.have.length(due.length);
          await eventually(() => expect(Object.fromEntries(got)).to.deep.equal(Object.fromEntries(due.map(([name, wanted]) => [name, [wanted]]))));
        },
      ),
      { numRuns: 60 },
    );
  });
});
