const NUMBERS = new Intl.NumberFormat('en-US');

/** `10,000`, as the command line writes it. */
export const count = (n: number): string => NUMBERS.format(n);

export const many = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? '' : 's'}`;

export const percent = (share: number): string => `${Math.floor(Math.min(1, share) * 1000) / 10} %`;

/** `2026-11-25 20:44:17Z`: one clock for all who look, and the one that logs are written by. */
export const moment = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}Z`;

/** `3 h 20 min`, in at most two units. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  const units: readonly (readonly [number, string])[] = [
    [Math.floor(s / 86_400), 'd'],
    [Math.floor((s % 86_400) / 3_600), 'h'],
    [Math.floor((s % 3_600) / 60), 'min'],
    [s % 60, 's'],
  ];
  const first = units.findIndex(([n]) => n > 0);
  if (first < 0) return '0 s';
  return units
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ');
}

/** `handingOver` as `handing over`. */
export const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

export const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 1));
