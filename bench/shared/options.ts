/** `--name value` and `--name` of a benchmark's command line. */
export function optionsOf(argv: readonly string[]) {
  const text = (name: string, otherwise: string): string => {
    const at = argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : (argv[at + 1] ?? otherwise);
  };
  return {
    flag: (name: string): boolean => argv.includes(`--${name}`),
    text,
    number: (name: string, otherwise: number): number => Number(text(name, String(otherwise))),
  };
}
