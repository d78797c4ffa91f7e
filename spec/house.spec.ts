// The house: who may import whom, how long a file may be, and the wall around nact (ARCHITECTURE.md §1, §2, §5).
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect } from 'chai';

const STAGES = ['listeners', 'monitors', 'rules', 'functions', 'outbox', 'actions', 'store', 'secrets', 'admin'].map((name) => `actors/${name}`);
const GROUND = ['lib', 'proto'];
/** Rooms of one stage, each on those before it. */
const rooms = (stage: string, ...names: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(names.map((name, i) => [`${stage}/${name}`, [...GROUND, 'actors', ...names.slice(0, i).map((under) => `${stage}/${under}`)]]));
const engine = (name: string): Record<string, readonly string[]> => ({
  [`actors/store/${name}`]: [...GROUND, 'actors', 'actors/store', 'actors/store/query', 'actors/store/archive'],
});
/** A floor names what may stand under it. Beside these, every folder may import itself. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  proto: [],
  actors: GROUND,
  ...Object.fromEntries(STAGES.map((stage) => [stage, [...GROUND, 'actors']])), // and never one another
  ...rooms('actors/rules', 'values', 'windows', 'text', 'condition', 'alert'),
  'actors/rules': [...GROUND, 'actors', ...['values', 'windows', 'condition', 'alert'].map((room) => `actors/rules/${room}`)],
  'actors/admin/routes': [...GROUND, 'actors', 'actors/admin'],
  ...rooms('actors/store', 'query', 'archive'),
  'actors/store': [...GROUND, 'actors', 'actors/store/query'],
  ...engine('sqlite'),
  ...engine('postgres'),
  config: [...GROUND, 'actors', ...STAGES, ...['values', 'windows', 'text', 'condition', 'alert'].map((room) => `actors/rules/${room}`)],
  supervisors: [...GROUND, 'config', 'actors', ...STAGES, 'actors/admin/routes', 'actors/rules/alert', 'actors/store/query', 'actors/store/archive'],
  bin: [...GROUND, 'bin/commands'],
  'bin/commands': [...GROUND, 'bin', 'config', 'supervisors'],
};
const GOODS = ['actors/event.ts', 'actors/alert.ts', 'actors/job.ts'];
const LONGEST = 250;

describe('the house', () => {
  const root = resolve(import.meta.dirname, '..');
  const text = (file: string): string => readFileSync(join(root, file), 'utf8');
  const files = Object.keys(FLOORS).flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((one) => one.isFile() && one.name.endsWith('.ts'))
      .map((one) => join(folder, one.name)),
  );
  /** Relative imports, static or not. `static` leaves out those that run only when a command needs them. */
  const imports = (file: string, all: boolean): string[] =>
    [...text(file).matchAll(all ? /(?:from|import\()\s*'(\.[^']+)\.ts'/g : /from\s*'(\.[^']+)\.ts'/g)].map(
      ([, path]) => `${relative(root, resolve(root, dirname(file), path ?? ''))}.ts`,
    );

  it('has its rooms', () => {
    expect(files.length).to.be.above(60);
  });

  for (const file of files) {
    it(`${file} imports only what stands under it`, () => {
      const allowed = [dirname(file), ...(FLOORS[dirname(file)] ?? [])];
      for (const target of imports(file, true)) expect(allowed, `${file} -> ${target}`).to.include(dirname(target));
    });

    it(`${file} is shorter than ${LONGEST} lines and opens by saying what it is`, () => {
      const lines = text(file).split('\n');
      expect(lines.length).to.be.at.most(LONGEST);
      expect(lines[0]).to.match(/^\/\*\*/);
    });
  }

  it('has no circle among its files', () => {
    const done = new Set<string>();
    const walk = (file: string, path: readonly string[]): void => {
      expect(path, [...path, file].join(' -> ')).to.not.include(file);
      if (done.has(file)) return;
      for (const target of valueImports(file)) walk(target, [...path, file]);
      done.add(file);
    };
    const valueImports = (file: string): string[] =>
      [...text(file).matchAll(/^import (?!type)[^;]*? from '(\.[^']+)\.ts'/gms)].map(
        ([, path]) => `${relative(root, resolve(root, dirname(file), path ?? ''))}.ts`,
      );
    for (const file of files) walk(file, []);
  });

  it('only lib/process.ts knows nact, only actors/logger.ts winston, only actors/store the database', () => {
    const knows = (name: string): string[] => files.filter((file) => new RegExp(`from '${name}'`).test(text(file)));
    expect(knows('nact')).to.deep.equal(['lib/process.ts']);
    expect(knows('winston')).to.deep.equal(['actors/logger.ts']);
    expect(knows('better-sqlite3').every((file) => file.startsWith('actors/store/'))).to.equal(true);
  });

  it('the goods import nothing but each other', () => {
    for (const file of GOODS) for (const target of imports(file, true)) expect(GOODS).to.include(target);
  });

  it("the CLI's half never loads the node's half but when a command needs it", () => {
    for (const file of files.filter((one) => one.startsWith('bin/') && one !== 'bin/demo.ts'))
      for (const target of imports(file, false)) expect(['bin', 'proto'], `${file} -> ${target}`).to.include(target.split('/')[0]);
  });

  it('exports by name only', () => {
    for (const file of files) expect(text(file)).to.not.match(/^export default/m);
  });
});
