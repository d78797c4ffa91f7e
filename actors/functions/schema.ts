/** The schema of an entry of `functions`: a function of the operator's own that conditions may call by its name. */
import { type Static, Type } from 'typebox';

export const FUNCTION_NAME = '^[A-Za-z_][A-Za-z0-9_]{0,63}$';

/** As it is written; its name is the key that it stands under. */
export const functionSchema = Type.Object(
  {
    name: Type.String({ pattern: FUNCTION_NAME, description: 'The key.' }),
    module: Type.String({
      minLength: 1,
      maxLength: 4_096,
      description: 'A JavaScript module (or TypeScript with types that can be left out), by its path from the file that names it.',
    }),
    export: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'Which of its exports; `default` is one. Left out: the one that is called as the key.' }),
    ),
    budget_ms: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 50,
      description: 'How long one call may take, in milliseconds; one that takes longer is ended, and its answer is unknown.',
    }),
  },
  {
    additionalProperties: false,
    description:
      'A function for conditions, by its name: `dew_point(m.temperature, m.humidity)`. It is given JSON values and answers one, at once; no answer, and whatever goes wrong, is unknown. It runs in a thread of its own, is as trusted as Argos itself, and should keep nothing from one call to the next.',
  },
);

/** As the node has it. */
export interface FunctionConfig extends Required<Static<typeof functionSchema>> {
  /** Of the module's text: another one is another function. */
  readonly revision: string;
}
