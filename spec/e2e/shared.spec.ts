// Two nodes that share one PostgreSQL: each keeps to its own configuration, and the history says whose each version is.
import { writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freshSchema } from '../support/engines.ts';
import { TestNode } from '../support/node.ts';
import { postgres } from '../support/services.ts';

interface Version {
  readonly number: number;
  readonly author: string;
  readonly reason: string;
}

describe('nodes that share a PostgreSQL', function () {
  this.timeout(60_000);
  const [north, other] = [new TestNode(), new TestNode()];
  const you = userInfo().username;
  const configure = async (node: TestNode, name: string | undefined, schema: string): Promise<void> =>
    node.configure({
      store: { url: (await postgres()).url, schema, ...(name && { node: name }) },
      listeners: { http: { port: 0 }, mqtt: { enabled: false } },
      monitors: { single: [{ name: `of-${name}`, type: 'push', config: { name: 'temperature' } }] },
    });
  const create = async (node: TestNode, monitor: string): Promise<void> => {
    const file = join(node.folder, `${monitor}.json`);
    writeFileSync(file, JSON.stringify({ name: monitor, type: 'push', config: { name: 'temperature' } }));
    const { code, stderr } = await node.cli('create', 'monitor', monitor, '--config', file);
    expect(code, stderr).to.equal(0);
  };
  const history = async (node: TestNode): Promise<readonly string[]> =>
    (await node.json('history')).map(({ author, reason }: Version) => `${author}: ${reason}`);
  const monitors = async (node: TestNode): Promise<readonly string[]> => (await node.json('get', 'monitors')).map(({ name }: { name: string }) => name).sort();

  before(async () => {
    const schema = freshSchema();
    await configure(north, 'north', schema);
    await configure(other, undefined, schema);
  });
  after(() => Promise.all([north.end('SIGKILL'), other.end('SIGKILL')]));

  it('say in the history whose each version is: by store.node, or by the name of the machine', async () => {
    await north.start();
    await create(north, 'more');
    await other.start();
    await create(north, 'most');
    expect(await history(other)).to.deep.equal([
      `${you}, node north: create monitor most`,
      `node ${hostname()}: start`,
      `${you}, node north: create monitor more`,
      'node north: start',
    ]);
  });

  it('have each what was made on it by the command line, and nothing of that of others, also after a start', async () => {
    expect(await monitors(other)).to.deep.equal(['of-undefined']);
    await create(other, 'less');
    expect(await north.end('SIGTERM')).to.equal(0);
    await north.start();
    expect(await monitors(north)).to.deep.equal(['more', 'most', 'of-north']);
    expect(await monitors(other)).to.deep.equal(['less', 'of-undefined']);
  });
});
