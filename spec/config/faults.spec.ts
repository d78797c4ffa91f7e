// What is wrong with a configuration, as it is told.
import { expect } from 'chai';
import { told } from '../../config/faults.ts';
import type { PlacedFault } from '../../proto/api.ts';

const fault = (more: Partial<PlacedFault>): PlacedFault => ({ file: 'a', line: 1, column: 1, pointer: '/url', expected: 'a URL', ...more });

describe('told', () => {
  it('tells each fault once, in the order in which they were found', () => {
    const [first, second] = [fault({ got: 1 }), fault({ line: 2, got: 1 })];
    expect(told([first, second, { ...first }, fault({ expected: 'a text', got: 1 })], {})).to.deep.equal([
      first,
      second,
      fault({ expected: 'a text', got: 1 }),
    ]);
  });

  it('tells what stands there, and nothing where nothing does', () => {
    expect(told([fault({}), fault({ line: 2, got: [null] })], {})).to.deep.equal([fault({}), fault({ line: 2, got: [null] })]);
  });

  it('hides what stands at the place of a secret, and the values of secrets', () => {
    const shown = (more: Partial<PlacedFault>): unknown => told([fault(more)], { hook: 'sw0rd"fish' })[0]?.got;
    expect(shown({ pointer: '/config/password', got: 12_345 })).to.equal('(secret)');
    expect(shown({ pointer: '/headers/Authorization', got: ['a'] })).to.deep.equal(['(secret)']);
    expect(shown({ got: { deep: ['x sw0rd"fish y'] } })).to.deep.equal({ deep: ['x (secret) y'] });
    expect(shown({ got: 'ftp://me:pw@host' })).to.equal('ftp://(secret)@host');
  });

  it('shows a reference, which only names a secret', () => {
    expect(told([fault({ pointer: '/password', got: '${secrets.smtpp}' })], {})[0]?.got).to.equal('${secrets.smtpp}');
  });
});
