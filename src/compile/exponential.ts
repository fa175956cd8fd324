/**
 * The table that turns 12 random bits into an exponential gap. `Math.log` may differ in its last bits between JavaScript
 * engines (ECMAScript §21.3.2), so the logarithm here is made of additions, multiplications and divisions, which IEEE 754
 * fixes to the bit.
 */
import { EXPONENTIAL_ENTRIES, EXPONENTIAL_SCALE } from "../../assembly/abi/limits";

/**
 * Natural logarithm of a positive number, the same on every machine; within 4 units in the last place of the true value.
 *
 * @example naturalLogarithm(1) // 0
 */
export function naturalLogarithm(x: number): number {
  let mantissa = x;
  let exponent = 0;
  // Into [2/3, 4/3), where the series below is short.
  while (mantissa >= 4 / 3) {
    mantissa /= 2;
    exponent++;
  }
  while (mantissa < 2 / 3) {
    mantissa *= 2;
    exponent--;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)) = 2 (z + z^3/3 + z^5/5 + …), |z| ≤ 1/5: z^23 is below 2^-53.
  const z = (mantissa - 1) / (mantissa + 1);
  const square = z * z;
  let sum = 0;
  for (let power = 23; power >= 1; power -= 2) sum = sum * square + 1 / power;
  return exponent * Math.LN2 + 2 * z * sum;
}

/**
 * Quantiles of the exponential distribution at the midpoints of 4,096 equal slices, in units of 1/4096 of the mean. The
 * slices' midpoints miss a little of the tail: the mean of the table is 0.99992 of the true one.
 */
export function exponentialTable(): readonly number[] {
  table ??= Array.from({ length: EXPONENTIAL_ENTRIES }, (_, index) => {
    const survival = (EXPONENTIAL_ENTRIES - index - 0.5) / EXPONENTIAL_ENTRIES;
    return Math.floor(-naturalLogarithm(survival) * EXPONENTIAL_SCALE + 0.5);
  });
  return table;
}

/** Always the same: made when it is first wanted. */
let table: readonly number[] | undefined;
