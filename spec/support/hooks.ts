/** Mocha's root hooks: the node under test keeps its log to itself; when the specs are done, the real servers go and no process is left. */
import { enableCompileCache } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { silence } from '../../actors/logger.ts';
import { processes } from '../../lib/process.ts';
import { stopServices } from './services.ts';

/** Threads and nodes that the specs start find their modules compiled: that is half of their time. Under a measurement of coverage it would blur that. */
if (!process.env.NODE_V8_COVERAGE && !process.env.NODE_COMPILE_CACHE) {
  const cache = join(tmpdir(), `argos-spec-${userInfo().uid}-compiled`);
  enableCompileCache(cache);
  process.env.NODE_COMPILE_CACHE = cache;
}

export const mochaHooks = {
  beforeAll: () => silence(),
  afterAll: () => {
    stopServices();
    expect([...processes()].map(({ name, kind }) => `${kind} ${name}`)).to.deep.equal([], 'processes that a spec has left running');
  },
};
