/** The sections of the node itself: `system`, `store` and `retention`, with their defaults. */
import type { TSchema } from 'typebox';
import { check, type Fault } from '../actors/schema.ts';
import type { OverlayEntry, PlacedFault } from '../proto/api.ts';
import { retentionSchema, storeSchema, type SystemConfig, systemSchema } from './catalogue.ts';
import { interpolate, type Scope } from './interpolate.ts';
import { faultAt, member, parsePlaced, type Placed, placeAt, placeOf, plain } from './placed.ts';

/** @param source what the CLI has put over it, if it has. */
export function systemOf(root: Placed, source: OverlayEntry['source'] | undefined, scope: Scope, faults: PlacedFault[]): SystemConfig {
  const parsed = source ? parsePlaced(source) : undefined;
  faults.push(...(parsed?.faults ?? []));
  const placed = parsed?.root ? (member(parsed.root, 'system') ?? parsed.root) : (member(root, 'system') ?? placeAt({}, root.place));
  return (checkPlaced(systemSchema, interpolate(placed, scope, faults), faults) ?? {}) as SystemConfig; // with a fault nothing is declared
}

export const retentionOf = (root: Placed, scope: Scope, faults: PlacedFault[]): Readonly<Record<string, unknown>> =>
  sectionOf(root, 'retention', retentionSchema, scope, faults);

function sectionOf(root: Placed, name: 'store' | 'retention', schema: TSchema, scope: Scope, faults: PlacedFault[]): Readonly<Record<string, unknown>> {
  const placed = member(root, name) ?? placeAt({}, root.place);
  return (checkPlaced(schema, interpolate(placed, scope, faults), faults) ?? {}) as Readonly<Record<string, unknown>>; // with a fault nothing is declared
}

/** The store is opened before the vault is. */
export function storeOf(root: Placed, scope: Scope, faults: PlacedFault[]): Readonly<Record<string, unknown>> {
  const written = member(root, 'store');
  if (written && JSON.stringify(plain(written)).includes('${secrets.'))
    faults.push(faultAt(written.place, '${env.NAME} for what is secret: the store is opened before the vault', '${secrets.…}'));
  return sectionOf(root, 'store', storeSchema, { ...scope, secrets: undefined }, faults);
}

/** The value with its defaults; undefined, and a fault at each place, when it does not fit. */
export function checkPlaced(schema: TSchema, placed: Placed, faults: PlacedFault[]): unknown {
  const checked = check(schema, plain(placed));
  if ('value' in checked) return checked.value;
  faults.push(...checked.faults.map(faultIn(placed)));
  return undefined;
}

/** A fault of a schema, at its place in the text. */
export const faultIn =
  (placed: Placed) =>
  ({ path, expected, got, nearest: near }: Fault): PlacedFault =>
    faultAt(placeOf(placed, path, expected.startsWith('one of the keys')), expected, got, near);
