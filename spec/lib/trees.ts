/** Random supervision trees, as data: what the model (model.ts) and `lib/` (real-tree.ts) are both given. */
import fc from 'fast-check';

export interface Spec {
  readonly id: string;
  readonly restart: 'permanent' | 'transient' | 'temporary';
  readonly significant: boolean;
  /** Of a worker. `late`: it does not stop by itself, and is killed when its shutdown time of LATE_MS is over. */
  readonly stops: 'promptly' | 'late' | 'brutally';
  /** Whether it traps exits, which makes no difference to its supervisor. */
  readonly traps: boolean;
  readonly sup?: SupSpec;
}
export interface SupSpec {
  /** `dynamic`: a DynamicSupervisor. */
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one' | 'simple_one_for_one' | 'dynamic';
  readonly intensity: number;
  readonly period: number;
  readonly autoShutdown: 'never' | 'any_significant' | 'all_significant';
  /** Those that it starts with. */
  readonly children: readonly Spec[];
  /** What a simple_one_for_one makes its children of. */
  readonly template?: Spec;
}

/** On no whole second, as any other time. */
export const START_MS = 7_000_300;
export const LATE_MS = 100;
/** What a worker has. */
export const NO_SUPERVISOR: SupSpec = { strategy: 'one_for_one', intensity: 0, period: 1, autoShutdown: 'never', children: [] };

/** The same child where it may stand: OTP takes `significant` for some only. */
export const under = ({ autoShutdown }: SupSpec, spec: Spec): Spec => ({
  ...spec,
  significant: spec.significant && spec.restart !== 'permanent' && autoShutdown !== 'never',
});

const IDS = ['a', 'b', 'c'];
const restart = fc.constantFrom('permanent' as const, 'transient' as const, 'transient' as const, 'temporary' as const);
const groups = ['one_for_one', 'one_for_all', 'rest_for_one'] as const;
const flags: fc.Arbitrary<SupSpec> = fc.record({
  strategy: fc.constantFrom(...groups, ...groups, 'simple_one_for_one', 'dynamic'),
  intensity: fc.constantFrom(0, 1, 1, 2, 2, 3, 5),
  period: fc.integer({ min: 1, max: 3 }),
  autoShutdown: fc.constantFrom('never', 'never', 'any_significant', 'all_significant', 'all_significant'),
  children: fc.constant([]),
});
const worker: fc.Arbitrary<Spec> = fc.record({
  id: fc.constantFrom(...IDS),
  restart,
  significant: fc.constantFrom(true, true, false), // where it may be
  stops: fc.constantFrom('promptly', 'promptly', 'promptly', 'late', 'brutally'),
  traps: fc.boolean(),
});

/** A worker, or a supervisor of at most `depth` levels. Its id is one of a few, so that it meets others of that name. */
export const child = (depth: number): fc.Arbitrary<Spec> => (depth === 0 ? worker : fc.oneof(worker, supervisor(depth)));

function supervisor(depth: number): fc.Arbitrary<Spec> {
  return fc
    .record({ flags, worker, children: fc.array(child(depth - 1), { minLength: 1, maxLength: IDS.length, size: 'max' }) })
    .map(({ flags, worker, children }): Spec => {
      const sup: SupSpec = flags.strategy === 'dynamic' ? { ...flags, autoShutdown: 'never' } : flags;
      const fitting = children.map((one, i) => under(sup, { ...one, id: IDS[i] ?? one.id }));
      const spec: Spec = { ...worker, stops: 'promptly' };
      if (sup.strategy === 'dynamic') return { ...spec, sup };
      if (sup.strategy === 'simple_one_for_one') return { ...spec, sup: { ...sup, template: fitting[0] ?? under(sup, worker) } };
      return { ...spec, sup: { ...sup, children: fitting } };
    });
}

export const tree: fc.Arbitrary<Spec> = supervisor(3).map((spec) => ({ ...spec, id: 'top' }));
