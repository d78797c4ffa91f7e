/** The text form of a condition, `"avg(boiler.payload.t, 5m) > 30 and not rule.maintenance.firing"`, into its JSON form. Pure, in linear time. */
import { LONGEST_TEXT } from '../values/values.ts';
import { Faults, type Place, placeIn, type TextFault } from './faults.ts';
import { tokensOf } from './lexer.ts';
import { Parser } from './parser.ts';

interface Read {
  /** What the text stands for; for every condition in JSON, `parseCondition` says what is wrong with it as a condition. */
  readonly json: unknown;
  /** Where the part of `json` at a JSON pointer stands in the text. */
  readonly placeOf: (pointer: string) => Place;
}

/**
 * Read a condition's text. It never throws; the grammar is in docs/configuration.head.md, "As text".
 *
 * @param text of at most 65,536 characters (UTF-16 code units), 64 levels and 10,000 parts.
 * @returns the JSON form, or the faults from the first to the last, 20 at the most.
 */
export function parseText(text: string): Read | { readonly faults: readonly TextFault[] } {
  const faults = new Faults(text);
  if (text.length > LONGEST_TEXT) {
    faults.add(LONGEST_TEXT, LONGEST_TEXT + 1, `a text of at most ${LONGEST_TEXT} characters`);
    return { faults: faults.inOrder };
  }
  const parser = new Parser(tokensOf(text, faults), faults);
  const root = parser.whole();
  const found = faults.inOrder;
  if (found.length > 0) return { faults: found };
  return { json: root.json, placeOf: (pointer) => placeIn(text, parser.nodes.placeOf(root, pointer)) };
}
