/** The meaning of each operator, for the interpreter beside this: nothing of actors/rules. */
type Object_ = Readonly<Record<string, unknown>>;

/** An evaluation that fails, with JsonLogic's word for why. */
export class Failed extends Error {
  readonly kind: string;
  constructor(kind: string) {
    super(kind);
    this.kind = kind;
  }
}
export const isMap = (value: unknown): value is Object_ => typeof value === 'object' && value !== null && !Array.isArray(value);
/** JsonLogic's truth table: these are false, all else is true. */
export const isTrue = (value: unknown): boolean => !([false, null, '', 0].includes(value as never) || (Array.isArray(value) && value.length === 0));
/** The same text for equal values only: keys in order, objects told from lists. */
const canon = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canon).join()}]`;
  if (!isMap(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canon(value[key])}`)
    .join()}}`;
};
export const equal = (a: unknown, b: unknown): boolean => canon(a) === canon(b);

export const SPREAD: readonly string[] = ['+', '-', '*', '/', '%', 'min', 'max'];

export const number = (value: unknown): number => {
  const got = typeof value === 'object' && value !== null ? Number.NaN : Number(value);
  if (Number.isNaN(got)) throw new Failed('NaN');
  return got;
};
const result = (value: number): number => number(value);
const divided = (a: number, b: number, by: (a: number, b: number) => number): number => {
  if (b === 0) throw new Failed('NaN');
  return result(by(a, b));
};
/** -1, 0, 1 as JsonLogic orders them. */
function sign(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return a === b ? 0 : [a, b].sort()[0] === a ? -1 : 1;
  const [x, y] = [number(a), number(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
// biome-ignore lint/suspicious/noDoubleEquals: it is JsonLogic's
const alike = (a: unknown, b: unknown): boolean => (isObject(a) || isObject(b) ? equal(a, b) : a == b);
/** A text of a plain value, and of a list of such. */
function textual(value: unknown): string {
  if (value === null) return '';
  if (isMap(value) || (Array.isArray(value) && value.some(isObject))) throw new Failed('Invalid Arguments');
  return Array.isArray(value) ? value.map(textual).join(',') : String(value);
}
const pairs = (args: readonly unknown[], holds: (a: unknown, b: unknown) => boolean): boolean => args.every((one, i) => i === 0 || holds(args[i - 1], one));

/** What an operator makes of operands that are known. */
export function operator(op: string, args: readonly unknown[]): unknown {
  const [a = null, b = null, c] = args;
  const least = op === '%' ? 2 : ['-', '/', 'min', 'max'].includes(op) ? 1 : 0;
  if (args.length < least) throw new Failed('Invalid Arguments');
  const [first = 0, ...rest] = SPREAD.includes(op) ? args.map(number) : [];
  switch (op) {
    case '!':
    case 'not':
      return !isTrue(a);
    case '!!':
      return isTrue(a);
    case '==':
      return pairs(args, alike);
    case '!=':
      return !alike(a, b);
    case '===':
      return pairs(args, equal);
    case '!==':
      return !equal(a, b);
    case '>':
      return pairs(args, (x, y) => sign(x, y) > 0);
    case '>=':
      return pairs(args, (x, y) => sign(x, y) >= 0);
    case '<':
      return pairs(args, (x, y) => sign(x, y) < 0);
    case '<=':
      return pairs(args, (x, y) => sign(x, y) <= 0);
    case '+':
      return rest.reduce((sum, one) => result(sum + one), first);
    case '*':
      return args.length === 0 ? 1 : rest.reduce((sum, one) => result(sum * one), first);
    case '-':
      return rest.length === 0 ? 0 - first : rest.reduce((sum, one) => result(sum - one), first);
    case '/':
      return rest.length === 0 ? divided(1, first, (x, y) => x / y) : rest.reduce((sum, one) => divided(sum, one, (x, y) => x / y), first);
    case '%':
      return rest.reduce((sum, one) => divided(sum, one, (x, y) => x % y), first);
    case 'min':
      return Math.min(first, ...rest);
    case 'max':
      return Math.max(first, ...rest);
    case 'in':
      return Array.isArray(b) ? b.some((one) => equal(one, a)) : typeof b === 'string' && !isObject(a) && b.indexOf(String(a)) >= 0;
    case 'cat':
      return args.map(textual).join('');
    case 'substr': {
      const [text, from] = [textual(a), number(b)];
      const start = from < 0 ? Math.max(0, text.length + from) : from;
      const end = c === undefined ? text.length : number(c) < 0 ? text.length + number(c) : start + number(c);
      return start < end ? text.substring(start, end) : '';
    }
    case 'merge':
      return args.reduce<readonly unknown[]>((all, one) => all.concat(one), []);
    case 'log':
      return a;
    default:
      throw new Error(`no operator ${op}`);
  }
}

/** What a leaf's comparison says of a value that is there. */
export function judged(op: string, now: unknown, value: unknown): boolean | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const string = typeof now === 'string' ? now : undefined;
  const isAlike = typeof now === typeof value && (typeof now === 'number' || typeof now === 'string');
  const order = isAlike ? sign(now, value) : undefined;
  const table: Readonly<Record<string, boolean | undefined>> = {
    '<': order === undefined ? undefined : order < 0,
    '<=': order === undefined ? undefined : order <= 0,
    '>': order === undefined ? undefined : order > 0,
    '>=': order === undefined ? undefined : order >= 0,
    '==': equal(now, value),
    '!=': !equal(now, value),
    in: list.some((one) => equal(one, now)),
    not_in: !list.some((one) => equal(one, now)),
    contains: Array.isArray(now) ? now.some((one) => equal(one, value)) : isObject(value) || value === null ? undefined : string?.includes(String(value)),
    starts_with: string === undefined ? undefined : string.indexOf(String(value)) === 0,
    ends_with: string === undefined ? undefined : string.slice(string.length - String(value).length) === value,
    matches: op !== 'matches' || string === undefined ? undefined : new RegExp(String(value)).test(string),
    between: typeof now === 'number' ? Number(list[0]) <= now && now <= Number(list[1]) : undefined,
  };
  return table[op];
}
