/** A rule's calls of custom functions: those of a judgement all together, and for no longer in one go than is fair to whoever sends to the rule. */
import * as vitals from '../vitals.ts';
import type { Need } from './judge.ts';
import type { RulePort } from './port.ts';

/** While a rule waits it takes nothing, which holds back whoever sends to it. What would take longer has no answer, and is judged again. */
const MOST_MS = 200;

export class Asking {
  readonly #call: RulePort['call'];
  #spentMs = 0;

  constructor(call: RulePort['call']) {
    this.#call = call;
  }

  /** The rule begins on what it has taken. */
  begin(): void {
    this.#spentMs = 0;
  }

  async serve({ ask, later }: Extract<Need, { ask: unknown }>): Promise<void> {
    if (this.#spentMs > MOST_MS) {
      later();
      for (const { name } of ask) vitals.functionCalls.inc({ function: name, outcome: 'overload' });
      return;
    }
    const beganMs = performance.now();
    await Promise.all(ask.map(async (one) => one.answer(await this.#call(one.name, one.args))));
    this.#spentMs += performance.now() - beganMs;
  }
}
