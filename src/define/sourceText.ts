/** Strings, templates and comments; what is none of them is code, where white space says nothing. */
const LITERAL = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/**
 * A function's text in a form that does not depend on who compiled it: a definition that is loaded by the command line,
 * run as it is by Node, or compiled ahead by the application must have one fingerprint, or each would refuse the others'
 * campaigns. They differ in white space, quotes, comments, trailing commas and semicolons, and in what they make of an
 * imported name: `key`, `(0, _handover.key)`, `_handover.key`.
 */
export function sourceText(run: unknown): string {
  const literals: string[] = [];
  const code = String(run).replace(LITERAL, (literal) => {
    if (literal.startsWith('/')) return ' ';
    return `\0${literals.push(doubleQuoted(literal)) - 1}\0`;
  });
  return code
    .replace(/\(0,\s*[\w$]+\.([\w$]+)\)/g, ' $1')
    .replace(/(?<![\w$.])_[\w$]+\.(?=[\w$])/g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([^\w$ ]) ?/g, '$1')
    .replace(/,(?=[)\]}])|;(?=})/g, '')
    .replace(/\0(\d+)\0/g, (_, i) => literals[i]!);
}

function doubleQuoted(literal: string): string {
  if (!literal.startsWith("'")) return literal;
  return `"${literal.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"`;
}
