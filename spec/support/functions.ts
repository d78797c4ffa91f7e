/** Custom functions of every kind, as a module on disk: such as are of use, and such as must do no harm. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from './services.ts';

export const MODULE = `
import { writeFileSync } from 'node:fs';
export const dew_point = (t, h) => t - (100 - h) / 5;
export const echo = (...args) => args;
export function loop() { for (;;); }
export function sometimes(n) { while (n > 0); return n; }
export function throwing() { throw new Error('out of tune'); }
export function odd() { throw { toString() { throw 1; } }; }
export async function promised() { throw new Error('nobody hears this'); }
export const never = () => new Promise(() => {});
export function cyclic() { const a = {}; a.a = a; return a; }
export function endless() { return { toJSON() { for (;;); } }; }
export const big = () => 'x'.repeat(1_000_000);
export const map = () => new Map([[1, 2]]);
export const nan = () => [1, NaN];
export const bigint = () => 1n;
export const nothing = () => undefined;
export const printing = () => { console.log('x'.repeat(100_000)); return 1; };
export const exiting = () => process.exit(0);
export function heap() { const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length)); }
const buffers = [];
export function outside() { buffers.push(Buffer.alloc(50_000_000, 1)); return buffers.length; }
export function deep() { return deep() + 1; }
export const environment = () => Object.keys(process.env);
export const later = () => { setTimeout(() => { throw new Error('later'); }, 1); return 1; };
export function busy(ms) { const end = performance.now() + ms; while (performance.now() < end); return ms; }
let called = 0;
export const counted = () => ++called;
export const constant = 5;
export default () => 'the default';
`;

/** Where it is. */
export function functionModule(text = MODULE, file = 'functions.mjs'): string {
  const path = join(tempFolder(), file);
  writeFileSync(path, text);
  return path;
}
