/** Patterns for people: `*` matches any run of characters; everything else stands for itself. Linear: parts are found from left to right. */

/** A pattern that is left out matches everything, also what is not there. */
export function glob(pattern: string | undefined): (text: string | undefined) => boolean {
  if (pattern === undefined) return () => true;
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return (text) => text === pattern;
  return (text) => {
    if (text === undefined || text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    const end = text.length - last.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
