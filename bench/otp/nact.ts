/** nact by itself, as it comes: dispatch for a cast, query for a call. What it has no word for (restart, supervisor) is not measured. */
import nact from 'nact';
import { beside5Ms, heap, printMedian } from './measure.ts';

const system = nact.start();
type Message = 'inc' | { readonly get: nact.Ref<number> };
let serial = 0;
/** An actor that counts, and tells `handled` how far it has come. */
const counter = (told?: (n: number) => void): nact.Ref<Message> =>
  nact.spawn(
    system,
    (n: number = 0, message: Message) => {
      if (message === 'inc') {
        told?.(n + 1);
        return n + 1;
      }
      nact.dispatch(message.get, n);
      return n;
    },
    `c${++serial}`,
  );
const get = (actor: nact.Ref<Message>): Promise<number> => nact.query(actor, (me: nact.Ref<number>): Message => ({ get: me }), 60_000);

async function casts(many: number): Promise<number> {
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const actor = counter((n) => n === many && resolve());
    for (let i = 0; i < many; i++) nact.dispatch(actor, 'inc');
  });
  return (many / (performance.now() - began)) * 1_000;
}
async function calls(many: number, inFlight: number): Promise<number> {
  const actor = counter();
  const began = performance.now();
  const row = async (): Promise<void> => {
    for (let i = 0; i < many / inFlight; i++) await get(actor);
  };
  await Promise.all(Array.from({ length: inFlight }, row));
  return (many / (performance.now() - began)) * 1_000;
}
async function bytes(many: number): Promise<number> {
  const before = heap();
  const actors = Array.from({ length: many }, () => counter());
  const each = (heap() - before) / many;
  for (const actor of actors) nact.stop(actor);
  return each;
}
async function start(many: number): Promise<number> {
  const began = performance.now();
  const actors = Array.from({ length: many }, () => counter());
  const ms = performance.now() - began;
  for (const actor of actors) nact.stop(actor);
  return ms;
}
async function beside(): Promise<number> {
  let handled = 0;
  const actor = counter((n) => {
    handled = n;
  });
  return beside5Ms(
    () => nact.dispatch(actor, 'inc'),
    async () => handled,
  );
}

await printMedian({
  casts: () => casts(200_000),
  calls: () => calls(50_000, 1),
  calls100: () => calls(50_000, 100),
  bytes: () => bytes(20_000),
  start: () => start(10_000),
  beside,
});
