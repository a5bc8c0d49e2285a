/** A whole number from the command line. Ends the program with 2, as `handover` does. */
export function wholeNumber(name: string, given: string | undefined, fallback: number): number {
  if (given === undefined) return fallback;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`--${name} is a whole number from 1, not ${JSON.stringify(given)}.`);
  process.exit(2);
}
