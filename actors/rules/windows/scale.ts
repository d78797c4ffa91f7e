/**
 * Sums and differences are kept scaled down by 2^-64, which costs no digit, so that numbers near the greatest do not overflow on their way to an
 * average. What is nearer to 0 than 2^-958 (10^-288) loses digits, and in the end counts as 0.
 */

export const DOWN = 2 ** -64;

/** Back again. What is beyond the greatest number is told as that one. */
export const up = (scaled: number): number => Math.max(-Number.MAX_VALUE, Math.min(scaled * 2 ** 64, Number.MAX_VALUE));

/** The length of a vector, whose squares may be too great or too small for a number. */
export function length(x: number, y: number, z = 0): number {
  const most = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
  return most === 0 ? 0 : most * Math.sqrt((x / most) ** 2 + (y / most) ** 2 + (z / most) ** 2);
}
