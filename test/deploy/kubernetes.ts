import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Manifest, ROOT } from './manifests.ts';

/** Where the type of a kind stands in the package `kubernetes-types`. */
const MODULES: Readonly<Record<string, string>> = {
  'v1 ServiceAccount': 'core/v1',
  'v1 Service': 'core/v1',
  'apps/v1 Deployment': 'apps/v1',
  'autoscaling/v2 HorizontalPodAutoscaler': 'autoscaling/v2',
  'policy/v1 PodDisruptionBudget': 'policy/v1',
};

/**
 * What the compiler says against manifests as literals of the types of Kubernetes' own API: a field that there is not, one
 * that is missing, a value of another type. Empty where they fit. Throws for a kind that is not known here.
 */
export function complaintsOf(manifests: readonly Manifest[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'handover-deploy-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'manifests.ts'), manifests.map(literalOf).join(''));
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(CONFIG));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    return status === 0 ? '' : `${stdout}${stderr}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const CONFIG = {
  compilerOptions: { strict: true, noEmit: true, module: 'ESNext', moduleResolution: 'bundler', types: [] },
  include: ['manifests.ts'],
};

function literalOf(manifest: Manifest, i: number): string {
  const { apiVersion, kind } = manifest;
  const module = MODULES[`${apiVersion} ${kind}`];
  if (!module) throw new Error(`There is no type for ${apiVersion} ${kind}.`);
  return `export const m${i}: import('kubernetes-types/${module}').${kind} = ${JSON.stringify(manifest)};\n`;
}
