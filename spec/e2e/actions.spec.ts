// What an operator sees and does when a receiver is away: the circuit breaker, the dead letters, what is put back and what is given up.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { TestNode } from '../support/node.ts';

describe('executions that fail', function () {
  this.timeout(40_000);
  const node = new TestNode();
  const got: string[] = [];
  let answer = 503;
  let release = (): void => {};
  let sink: Server;
  before(async () => {
    sink = createServer((request, response) => {
      request.resume().on('end', () => {
        got.push(String(request.headers['idempotency-key']));
        response.statusCode = answer;
        if (answer !== 0) response.end();
        else release = () => response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
    node.configure({
      listeners: { http: { port: 0 }, mqtt: { enabled: false } },
      monitors: { single: [{ name: 'boiler', type: 'push', config: { name: 'boiler' } }] },
      actions: {
        single: [
          {
            name: 'call',
            type: 'http',
            config: { url },
            concurrency: 1,
            retry_policy: { max_retries: 1, backoff_strategy: 'fixed', retry_timeout: 50 },
            circuit_breaker: { failures: 2, reset_timeout: 600_000 },
          },
          { name: 'note', type: 'log', config: {}, expires_after: 3_600 },
        ],
      },
      rules: [{ name: 'hot', mode: 'event', condition: 'boiler.value > 80', actions: ['call', 'note'] }],
    });
    await node.start();
  });
  after(async () => {
    await node.end('SIGKILL');
    sink.closeAllConnections();
    sink.close();
  });
  const send = async (value: number): Promise<void> => {
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ service: 's', name: 'boiler', value }) };
    expect((await fetch(`http://127.0.0.1:${await node.port('http')}/api/metrics`, sent)).status).to.equal(202);
  };
  const list = async (...words: readonly string[]): Promise<{ job: { id: string }; status: string }[]> =>
    node.json('actions', 'list', '--action', 'call', ...words);

  it('are dead letters after all their tries; their destination is shut, which shows, and no other waits', async () => {
    await send(81);
    await eventually(async () => expect((await list()).map(({ status }) => status)).to.deep.equal(['failed']));
    expect(got).to.have.length(2);
    const status = await node.status();
    expect(status.health).to.equal('degraded');
    expect(status.destinations.filter(({ breaker }) => breaker === 'open')).to.have.length(1);
    expect(status.faults.join()).to.match(/http:\/\/127\.0\.0\.1:\d+ does not take executions: its circuit breaker is open/);
    await send(82);
    await eventually(async () => expect(await node.json('actions', 'list', '--action', 'note', '--status', 'succeeded')).to.have.length(2));
    expect(got, 'nobody is sent there').to.have.length(2);
    const [tried] = await list('--status', 'failed');
    const { tries } = JSON.parse((await node.cli('actions', 'show', tried?.job.id ?? '')).stdout);
    expect(tries.map(({ number, class: what }: Record<string, unknown>) => [number, what])).to.deep.equal([
      [1, 'server'],
      [2, 'server'],
    ]);
  });

  it('are put back by hand, are under way while they are, and arrive with the key that they have always had', async () => {
    answer = 0;
    const [failed] = await list('--status', 'failed');
    const id = failed?.job.id ?? '';
    expect((await node.cli('update', 'action', 'call', '--config', node.configFile)).code).to.equal(0);
    await node.end('SIGTERM'); // a node that starts anew tries who is there
    await node.start();
    expect((await node.cli('actions', 'retry', id)).stderr).to.equal('1 execution will be tried again\n');
    await eventually(async () => expect((await list()).filter(({ status }) => status === 'running')).to.have.length(1));
    answer = 200;
    release();
    await eventually(async () => expect((await list()).map(({ status }) => status)).to.deep.equal(['succeeded', 'succeeded']));
    expect(got.filter((key) => key === id).length).to.be.at.least(3);
    expect((await node.cli('actions', 'retry', id)).code, 'it has succeeded').to.equal(5);
  });

  it('are given up by hand, all of an action or those that are named, and by nobody who does not say which', async () => {
    answer = 400;
    await send(83);
    await eventually(async () => expect(await list('--status', 'failed')).to.have.length(1));
    for (const words of [['retry'], ['drop'], ['drop', 'x', '--all']]) expect((await node.cli('actions', ...words)).code).to.equal(2);
    expect((await node.cli('actions', 'drop', 'x')).code).to.equal(5);
    expect((await node.cli('actions', 'drop', '--all', '--action', 'call')).stderr).to.equal('1 execution given up\n');
    expect(await list('--status', 'failed')).to.deep.equal([]);
    expect((await list('--status', 'suppressed'))[0]).to.include({ reason: 'dropped' });
  });
});
