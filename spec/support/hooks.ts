/** Mocha's root hooks: the real servers go when the specs are done; the node under test keeps its log to itself. */
import { silence } from '../../actors/logger.ts';
import { stopServices } from './services.ts';

export const mochaHooks = {
  beforeAll: () => silence(),
  afterAll: () => stopServices(),
};
