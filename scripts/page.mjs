// Bundles the operator's page into a folder: one script and one style sheet, named after what is in them, and the page
// that names them. Nothing of it is fetched from anywhere else.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { build } from 'esbuild';

const source = resolve(import.meta.dirname, '../src/page');

export async function buildPage(folder) {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: [join(source, 'main.tsx'), join(source, 'page.css')],
    outdir: folder,
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2023'],
    legalComments: 'none',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: {},
    metafile: true,
    logLevel: 'warning',
  });
  const named = (ending) => {
    const file = Object.keys(metafile.outputs).find((name) => name.endsWith(ending));
    return `/assets/${basename(file)}`;
  };
  const page = readFileSync(join(source, 'index.html'), 'utf8');
  const filled = page.replace('{{script}}', named('.js')).replace('{{style}}', named('.css'));
  writeFileSync(join(folder, 'index.html'), filled);
}
