/** Argos itself among what conditions read: the monitor `system`, which is always there, and the fields that it has. Pure. */
import { SYSTEM_FIELDS } from '../actors/monitors/system.ts';
import { nodes, type Tree } from '../actors/rules/condition/tree.ts';
import { check, type Fault, nearest } from '../actors/schema.ts';
import type { Declared } from '../proto/api.ts';
import { monitorSchemas } from './catalogue.ts';

/** How it is called; no other monitor is. */
export const SYSTEM = 'system';

/** As if it were declared. */
export function systemMonitor(): Pick<Declared, 'kind' | 'spec'> {
  const schema = monitorSchemas.get('system');
  const checked = schema && check(schema, { name: SYSTEM, type: 'system', config: {} });
  if (!checked || !('value' in checked)) throw new TypeError('the defaults of the monitor type `system` are not valid');
  return { kind: 'monitor', spec: checked.value };
}

const FIELDS = Object.keys(SYSTEM_FIELDS);
const FIRST = new Set(FIELDS.map((field) => field.split('.')[0]));

/** Fields of it that are none, at their places in the condition. */
export function systemFaults(tree: Tree): readonly Fault[] {
  return nodes(tree).flatMap((node): readonly Fault[] => {
    const path = pathIn(node);
    if (!path || (path.length === 1 && FIRST.has(path[0])) || FIELDS.includes(path.join('.'))) return [];
    const near = nearest(path.join('.'), FIELDS);
    return [{ path: placeIn(node), expected: `one of Argos's own fields, ${FIELDS.join(', ')}`, got: path.join('.'), nearest: near && `${SYSTEM}.${near}` }];
  });
}

/** What a node reads of it; undefined: nothing, or all there is. */
function pathIn(node: Tree): readonly string[] | undefined {
  if (node.kind === 'field' || node.kind === 'leaf') return node.monitor === SYSTEM ? node.path : undefined;
  if (node.kind === 'window') return node.window.monitor === SYSTEM ? node.window.path : undefined;
  if (node.kind !== 'var' || node.local || node.or || node.name.length < 2) return undefined;
  const [monitor, ...path] = node.name;
  return monitor === SYSTEM ? path : undefined;
}
const placeIn = (node: Tree): string =>
  node.kind === 'window' ? `${node.at}/${node.window.fn}/0` : node.kind === 'var' ? `${node.at}/var` : `${node.at}/field`;
