/** Action type `log`: writes a line to Argos's own log. */
import { Type } from 'typebox';
import { oneOf } from '../schema.ts';
import type { ActionType } from './action.ts';
import { contextOf, line, render, templateFault } from './template.ts';

const schema = Type.Object(
  {
    message: Type.String({ default: '${rule.name} is ${rule.state}: ${rule.details}', description: 'A template.' }),
    level: oneOf(['debug', 'info', 'warn', 'error'], { default: 'warn', description: 'The level of the line.' }),
  },
  { additionalProperties: false, description: "Write a line to Argos's own log." },
);

export const log: ActionType<typeof schema> = {
  type: 'log',
  schema,
  timeoutMs: () => 1_000,
  check({ message }) {
    const fault = templateFault(message);
    return fault ? [{ path: '/message', ...fault }] : [];
  },
  shown: ({ message, level }, job) => ({ level, message: render(message, contextOf(job), line) }),
  prepare:
    ({ message, level }, port) =>
    async (job) => {
      port.log[level](render(message, contextOf(job), line), { execution: job.id });
      return { kind: 'delivered' };
    },
};
