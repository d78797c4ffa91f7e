// Action type log: one line in Argos's own log, whatever the data holds.
import { expect } from 'chai';
import { log } from '../../../actors/actions/log.ts';
import { type LogLine, logger, tail } from '../../../actors/logger.ts';
import { check } from '../../../actors/schema.ts';
import { prepare } from '../../support/action-kit.ts';
import { configOf, jobOf, Root } from '../../support/actors.ts';

describe('action type log', () => {
  let root: Root;
  let lines: LogLine[];
  const hear = (line: LogLine): number => lines.push(line);
  beforeEach(() => {
    root = new Root();
    lines = [];
    tail.on('line', hear);
  });
  afterEach(async () => {
    tail.off('line', hear);
    await root.end();
  });

  it('writes what the rule says, with the execution that it belongs to, as the actor that it is', async () => {
    const { deliver } = await prepare(root, log, {}, logger('action:it'));
    expect(await deliver(jobOf())).to.deep.equal({ kind: 'delivered' });
    const [line, ...more] = lines;
    expect(more).to.deep.equal([]);
    expect(line).to.include({ actor: 'action:it', level: 'warn', message: 'too_hot is firing: boiler.payload.temperature > 80 (91)', execution: jobOf().id });
    expect(line?.time).to.match(/^\d{4}-\d\d-\d\dT/);
  });

  it('writes at the level that it is told', async () => {
    for (const level of ['info', 'warn', 'error']) {
      await (await prepare(root, log, { level, message: '${rule.severity}' })).deliver(jobOf());
      expect(lines.at(-1)).to.include({ level, message: 'critical' });
    }
  });

  it('stays one line, and its details its own, whatever the data holds', async () => {
    const { deliver } = await prepare(root, log, { message: '<${monitor.data.data}>' });
    for (const data of ['a\r\n{"level":"error","message":"forged"}', '\0\x1b[31m', '","execution":"forged', { level: 'error' }]) {
      await deliver(jobOf({ alert: { monitors: { boiler: { data } } } }));
      const line = lines.at(-1);
      expect(line).to.include({ level: 'warn', execution: jobOf().id });
      expect(line?.message)
        .to.match(/^<.*>$/)
        .and.not.match(/[\0-\x1f\x7f]/);
    }
    expect(lines).to.have.length(4);
  });

  it('discards a message that asks for what is not there', async () => {
    const { deliver } = await prepare(root, log, { message: '${monitors.other.payload}' });
    expect((await deliver(jobOf())).kind).to.equal('discard');
    expect(lines).to.deep.equal([]);
  });

  it('refuses a reference that leads nowhere, a level that is none, and an unknown key', () => {
    expect(log.check?.(configOf(log.schema, { message: '${rul.name}' }))?.map(({ path }) => path)).to.deep.equal(['/message']);
    const { faults } = check(log.schema, { level: 'wran', mesage: 'x' });
    expect(faults.map(({ path, nearest }) => [path, nearest])).to.have.deep.members([
      ['/level', undefined],
      ['/mesage', 'message'],
    ]);
  });
});
