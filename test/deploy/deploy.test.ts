import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { processIo } from '../../src/cli/io.ts';
import { programOf } from '../../src/cli/run.ts';
import { loadConfig } from '../../src/define/load.ts';
import { serverConfig } from '../../src/define/server.ts';
import { LIMITS } from '../../src/limits.ts';
import { served, TOKEN_CONFIG } from '../server/harness.ts';
import { cloudRun } from './cloudRun.ts';
import { complaintsOf } from './kubernetes.ts';
import { DEPLOY, type Manifest, manifestsIn, parsed, podOf, ROOT } from './manifests.ts';

const kubernetes = manifestsIn('kubernetes');
const run = manifestsIn('cloud-run');
const all = [...kubernetes, ...run];
const of = (kind: string) =>
  kubernetes.filter(({ manifest }) => manifest['kind'] === kind).map(({ manifest }) => manifest);
const deployments = of('Deployment');

/** Every container, and where it stands. */
const containers = all.flatMap(({ place, manifest }) =>
  ((podOf(manifest)?.['containers'] ?? []) as Manifest[]).map((container) => [place, container] as const),
);

/** A copy of it, with something changed. */
const with_ = (manifest: Manifest, change: (copy: Manifest) => void): Manifest => {
  const copy = structuredClone(manifest);
  change(copy);
  return copy;
};

describe('manifests', () => {
  it('there are those that the page speaks of', () => {
    expect(new Set(all.map(({ manifest }) => manifest['kind']))).toEqual(
      new Set([
        'ServiceAccount',
        'Deployment',
        'Service',
        'PodDisruptionBudget',
        'HorizontalPodAutoscaler',
        'WorkerPool',
      ]),
    );
    expect(containers).toHaveLength(4);
  });

  it('of Kubernetes are what its API takes', { timeout: 60_000 }, () => {
    expect(complaintsOf(kubernetes.map(({ manifest }) => manifest))).toBe('');
  });

  it('of Kubernetes with a misspelt field, one too few or another type would be found', { timeout: 60_000 }, () => {
    const [deployment] = deployments;
    const wrong = [
      with_(deployment!, ({ spec }) => {
        spec.template.spec.containers[0].livenessProb = {};
      }),
      with_(deployment!, ({ spec }) => {
        delete spec.selector;
      }),
      with_(of('HorizontalPodAutoscaler')[0]!, ({ spec }) => {
        spec.maxReplicas = '16';
      }),
    ];
    const complaints = complaintsOf(wrong).split('\n');
    expect(complaints[0]).toContain("'\"livenessProb\"' does not exist in type 'Container'");
    expect(complaints[1]).toContain("Property 'selector' is missing");
    expect(complaints[2]).toContain("Type 'string' is not assignable to type 'number'");
  });

  it.each(run)('of Cloud Run are what it takes: $place', ({ manifest }) => {
    expect(cloudRun.safeParse(manifest).error?.issues).toBeUndefined();
  });

  it('of Cloud Run with a misspelt field, one too few or another type would be found', () => {
    const service = run.find(({ manifest }) => manifest['kind'] === 'Service')!.manifest;
    const changes: ((copy: Manifest) => void)[] = [
      ({ spec }) => {
        spec.template.spec.containerConcurency = 1;
      },
      ({ spec }) => {
        delete spec.template.spec.containers[0].image;
      },
      ({ spec }) => {
        spec.template.metadata.annotations['autoscaling.knative.dev/minScale'] = 0;
      },
    ];
    for (const change of changes) expect(cloudRun.safeParse(with_(service, change)).success).toBe(false);
  });

  it('that say one thing twice are no YAML', () => {
    expect(() => parsed('a: 1\na: 2\n', 'here')).toThrow('here');
  });
});

/** The verb and options of a command line, as the program itself takes it. Rejects what it does not take. */
async function taken(args: readonly string[]) {
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  let found: { verb: string; options: Record<string, unknown> } | undefined;
  const program = programOf({ ...processIo(), out: nothing, err: nothing }, async (verb, _args, options) => {
    found = { verb: verb.usage.split(' ')[0]!, options };
  });
  await program.parseAsync([...args], { from: 'user' });
  return found!;
}

describe('what the containers run', () => {
  it.each(containers)('%s: is a command that there is', async (_, { args }) => {
    expect(['serve', 'work']).toContain((await taken(args)).verb);
  });

  it('a command that there is not would be found', async () => {
    await expect(taken(['work', '--fast'])).rejects.toThrow('--fast');
    await expect(taken(['labour'])).rejects.toThrow('labour');
  });

  it.each(containers)(
    '%s: its port is the one that it listens on, and its probes ask what is there',
    async (_, container) => {
      const { verb, options } = await taken(container['args']);
      const { ports = [], startupProbe, livenessProbe, readinessProbe } = container;
      const probes = [startupProbe, livenessProbe, readinessProbe].filter((probe) => probe !== undefined);
      // `work` listens nowhere.
      if (verb === 'work') return expect([ports, probes]).toEqual([[], []]);
      expect(ports.map(({ containerPort }: Manifest) => containerPort)).toEqual([
        options['port'] ?? serverConfig().port,
      ]);
      expect(options['host']).toBe('0.0.0.0');
      const server = await served();
      expect(probes.length).toBeGreaterThan(1);
      for (const { httpGet } of probes) {
        expect([ports[0].name, ports[0].containerPort]).toContain(httpGet.port);
        expect((await server.ask(httpGet.path)).status).toBe(200);
      }
    },
  );

  it.each(containers)('%s: each variable that is set is read', (_, { env }) => {
    const config = readFileSync(join(DEPLOY, 'handover.config.ts'), 'utf8');
    for (const { name } of env as Manifest[]) {
      // The client library of the store reads it.
      if (name === 'GOOGLE_CLOUD_PROJECT') expect(clientLibrary()).toContain(name);
      else expect(config).toContain(name);
    }
  });

  it.each(containers)('%s: may not become more than it is, and has as long to end as it takes', (place, container) => {
    if (!place.startsWith('kubernetes/')) return;
    const pod = podOf(kubernetes.find((each) => each.place === place)!.manifest)!;
    expect(container['securityContext']).toMatchObject({ allowPrivilegeEscalation: false, runAsNonRoot: true });
    expect(pod['terminationGracePeriodSeconds'] * 1000).toBeGreaterThan(LIMITS.shutdownMs);
  });
});

const clientLibrary = () =>
  readFileSync(join(ROOT, 'node_modules/google-auth-library/build/src/auth/googleauth.js'), 'utf8');

describe('manifests of Kubernetes fit together', () => {
  const named = (kind: string) => of(kind).map(({ metadata }) => metadata.name);

  it('each pod is chosen by its deployment, and is somebody who is there', () => {
    for (const { spec } of deployments) {
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
      expect(named('ServiceAccount')).toContain(spec.template.spec.serviceAccountName);
    }
  });

  it('what is scaled, kept and served is there', () => {
    const [autoscaler] = of('HorizontalPodAutoscaler');
    expect(named('Deployment')).toContain(autoscaler!['spec'].scaleTargetRef.name);
    // Whose number is the autoscaler's says none, or each change of the manifest would take it back.
    const scaled = deployments.find(({ metadata }) => metadata.name === autoscaler!['spec'].scaleTargetRef.name)!;
    expect(scaled['spec'].replicas).toBeUndefined();
    const labels = deployments.map(({ spec }) => spec.template.metadata.labels);
    const chosen = [
      ...of('PodDisruptionBudget').map(({ spec }) => spec.selector.matchLabels),
      ...of('Service').map(({ spec }) => spec.selector),
    ];
    for (const each of chosen) expect(labels).toContainEqual(each);
  });

  it('no more workers than find a range for each of their lanes', () => {
    const [autoscaler] = of('HorizontalPodAutoscaler');
    expect(autoscaler!['spec'].maxReplicas * LIMITS.lanes).toBe(LIMITS.rangesPerHomeMost);
    expect(Number(autoscaler!['spec'].metrics[0].external.target.averageValue)).toBe(LIMITS.lanes);
  });
});

describe('the image', () => {
  const lines = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ').split('\n');
  const said = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  it('copies what is there', () => {
    const sources = said('COPY')
      .filter((line) => !line.startsWith('--from='))
      .flatMap((line) => line.split(' ').slice(0, -1));
    expect(sources.length).toBeGreaterThan(8);
    for (const source of sources) expect(existsSync(join(ROOT, source)), source).toBe(true);
  });

  it('runs no script of a dependency', () => {
    const installs = said('RUN')
      .flatMap((line) => line.split('&&'))
      .filter((line) => /npm (ci|install|i|pack)\b/.test(line));
    expect(installs).toHaveLength(3);
    for (const line of installs) expect(line).toContain('--ignore-scripts');
  });

  it('has a Node that the package runs on, and its command', () => {
    const { bin, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const least = Number(/\d+/.exec(engines.node)![0]);
    for (const image of said('FROM')) expect(Number(/^node:(\d+)/.exec(image)![1])).toBeGreaterThanOrEqual(least);
    expect(Object.keys(bin)).toContain(JSON.parse(said('ENTRYPOINT')[0]!)[0].split('/').at(-1));
  });
});

describe('the project in it', () => {
  const before = process.env['HANDOVER_TOKEN_SHA256'];
  afterEach(() => {
    if (before === undefined) delete process.env['HANDOVER_TOKEN_SHA256'];
    else process.env['HANDOVER_TOKEN_SHA256'] = before;
  });

  it('is one, and lets in whoever shows the token, where there is one', async () => {
    delete process.env['HANDOVER_TOKEN_SHA256'];
    const open = await loadConfig('handover.config.ts', DEPLOY);
    expect(open.config.server).toBeUndefined();
    expect(open.migrations).toHaveLength(readdirSync(join(DEPLOY, 'migrations')).length);
    const { sha256 } = TOKEN_CONFIG.tokens![0]!;
    process.env['HANDOVER_TOKEN_SHA256'] = sha256;
    const { config } = await loadConfig('handover.config.ts', DEPLOY);
    expect(config.server!.tokens).toEqual([{ name: 'operators', role: 'admin', sha256 }]);
  });
});
