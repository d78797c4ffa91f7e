// JsonLogic's community suites through the real parser and compiler.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { compile, ConditionError } from '../../../actors/rules/condition/compile.ts';
import { parseLogic } from '../../../actors/rules/condition/condition.ts';
import { factsOf } from '../../../actors/rules/condition/facts.ts';

const FOLDER = resolve(import.meta.dirname, '../../../../shared/vectors/jsonlogic');

interface Case {
  readonly rule: unknown;
  readonly data?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly type: string };
}
type Outcome = { readonly result: unknown } | { readonly error: string } | { readonly refused: string };

/** Cases that do not hold, as `suite: rule over data`, each with the reason. There is none: three-valued logic and limits meet none of them. */
const KNOWN: ReadonlyMap<string, string> = new Map([]);
/** Errors that Argos tells when the condition is loaded, before anything is evaluated. */
const AT_LOAD = ['NaN', 'Invalid Arguments'];

/** Texts between the cases are headings. */
const casesOf = (file: string): readonly Case[] =>
  (JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as (Case | string)[]).filter((one): one is Case => typeof one === 'object');

function outcome({ rule, data }: Case): Outcome {
  const parsed = parseLogic(rule, {});
  if (!('condition' in parsed)) return { refused: parsed.faults.map(({ path, expected }) => `${path}: ${expected}`).join() };
  try {
    return { result: compile(parsed.condition)(factsOf(data)) };
  } catch (error) {
    if (error instanceof ConditionError) return { error: error.kind };
    throw error;
  }
}

describe('JsonLogic’s community suites', () => {
  const there = existsSync(FOLDER);
  const files = there
    ? readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'))
    : ['(../shared/vectors is not here)'];

  for (const file of files.sort())
    it(`hold: ${file}`, function () {
      if (!there) return this.skip();
      for (const one of casesOf(file)) {
        const name = `${file}: ${JSON.stringify(one.rule)} over ${JSON.stringify(one.data)}`;
        const got = outcome(one);
        const holds = (): void => {
          if (!one.error) expect(got, name).to.deep.equal({ result: one.result });
          else if ('refused' in got) expect(AT_LOAD, name).to.include(one.error.type);
          else expect(got, name).to.deep.equal({ error: one.error.type });
        };
        if (KNOWN.has(name)) expect(holds, `${name} holds now: strike it from the list`).to.throw();
        else holds();
      }
    });

  it('are there: 436 cases', function () {
    if (!there) return this.skip();
    expect(files.flatMap(casesOf).length).to.be.at.least(436);
  });
});
