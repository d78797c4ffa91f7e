/** A rule over a real store and a Feed, wired as in a node; what becomes due is kept. */
import { type Ask, call } from '../../lib/call.ts';
import type { Pid } from '../../lib/process.ts';
import type { Fields } from '../../actors/event.ts';
import { Feed } from '../../actors/feed.ts';
import type { Job } from '../../actors/job.ts';
import { logger } from '../../actors/logger.ts';
import { type RulePort, ruleChild } from '../../actors/rules/rule.ts';
import { ruleSchema } from '../../actors/rules/schema.ts';
import type { Change } from '../../actors/store/changes.ts';
import type { AlertDetail, Declared, RuleDetail } from '../../proto/api.ts';
import { rulesIn } from '../../supervisors/rules.ts';
import { configOf, type Root } from './actors.ts';
import { TestStore } from './store.ts';

const DEFAULTS = { name: 'too_hot', condition: { field: 'boiler.t', op: '>', value: 80 }, actions: ['mail'], on_resolve: ['calm'] };

export class TestRule {
  readonly root: Root;
  readonly feed = new Feed(async () => 1);
  readonly due: Job[] = [];
  store: TestStore;
  pid!: Pid;
  /** The monitors, where it matters what they are. */
  declared: readonly Declared[] = [];
  /** Those that are declared. */
  monitors: ReadonlySet<string> = new Set(['boiler', 'web_1', 'web_2']);
  /** What holds its tellings back. */
  hold: RulePort['hold'] = () => undefined;
  /** What custom functions answer. */
  call: RulePort['call'] = async () => undefined;
  /** What the rule commits with. */
  commit = (changes: readonly Change[]): Promise<void> => this.store.store.commit(changes);

  constructor(root: Root) {
    this.root = root;
    this.store = new TestStore(root);
  }

  /** Start the rule anew. `more` is what its config has beside: it fires `mail` when the boiler is over 80, and `calm` at the end. */
  async start(more: object = {}): Promise<void> {
    const port: RulePort = {
      names: this.store.names,
      feed: this.feed,
      log: logger('spec'),
      storedUpTo: () => 0,
      hold: (alert, atMs) => this.hold(alert, atMs),
      call: (name, args) => this.call(name, args),
      ...rulesIn(
        {
          ruleState: (rule) => this.store.store.ruleState(rule),
          ruleInstances: (rule) => this.store.store.ruleInstances(rule),
          eachMetric: (query) => this.store.store.eachMetric(query),
          commit: (changes) => this.commit(changes),
        },
        () => this.declared,
      ),
      monitors: () => this.monitors,
      due: (jobs) => void this.due.push(...jobs),
    };
    this.pid = await this.root.start(ruleChild('too_hot', configOf(ruleSchema, { ...DEFAULTS, ...more }), port));
    await this.status();
  }
  async stop(): Promise<void> {
    await this.root.stop(this.pid);
  }

  status(): Promise<RuleDetail> {
    return call(this.pid, { ask: 'status' } as Ask<RuleDetail>, 20_000);
  }
  /** One of the alerts of a rule with for_each. */
  alert(instance: string): Promise<AlertDetail | undefined> {
    return call(this.pid, { ask: 'status', instance } as Ask<AlertDetail | undefined>);
  }
  publish(fields: Fields, monitor = 'boiler', atMs = Date.now()): Promise<void> {
    return this.feed.publish({ monitor, observations: [{ atMs, fields }] });
  }
  /** The monitor sees this, and the rule has judged it. */
  async see(fields: Fields): Promise<RuleDetail['phase']> {
    await this.publish(fields);
    return (await this.status()).phase;
  }

  /** What has become due so far: `mail#1` is the firing of the first episode. */
  get told(): readonly string[] {
    return this.due.map(({ action, alert }) => `${action}#${/#(\d+)@/.exec(alert.episode)?.[1]}`);
  }
  /** What the store has of it. */
  async stored(): Promise<readonly string[]> {
    return (await this.store.store.jobs({})).map(({ job, status }) => `${job.action} ${status}`);
  }
}
