/** Mocha's root hooks: the node under test keeps its log to itself; when the specs are done, the real servers go and no process is left. */
import { expect } from 'chai';
import { silence } from '../../actors/logger.ts';
import { processes } from '../../lib/process.ts';
import { stopServices } from './services.ts';

export const mochaHooks = {
  beforeAll: () => silence(),
  afterAll: () => {
    stopServices();
    expect([...processes()].map(({ name, kind }) => `${kind} ${name}`)).to.deep.equal([], 'processes that a spec has left running');
  },
};
