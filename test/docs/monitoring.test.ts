import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../src/clock.ts';
import { Metrics } from '../../src/server/metrics/metrics.ts';
import { HAPPENINGS } from '../../src/server/notify/happenings.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { Inbox, receiver } from '../../src/webhooks/index.ts';
import { served } from '../server/harness.ts';
import { loggedEvents, tableBelow, tablesBelow, textOf } from './pages.ts';

async function existing(): Promise<Map<string, string>> {
  const metrics = new Metrics(systemClock);
  const store = memoryStore();
  const inbox = new Inbox({ store, clock: systemClock });
  const callbacks = { find: async () => undefined } as never;
  const server = await served({ store, metrics, receiver: receiver({ callbacks, inbox }) });
  expect((await server.ask('/metrics')).status).toBe(200);
  const all = await metrics.registry.getMetricsAsJSON();
  return new Map(
    all.map(({ name, type }) => [name, String(type)]).filter(([name]) => name!.startsWith('handover_')) as [
      string,
      string,
    ][],
  );
}

/** The metrics that an expression names: a histogram by its parts. */
const namedIn = (text: string, types: ReadonlyMap<string, string>) =>
  [...text.matchAll(/handover_[a-z_]+/g)].map(([name]) => {
    const whole = name.replace(/_(bucket|sum|count)$/, '');
    return types.get(whole) === 'histogram' ? whole : name;
  });

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

describe('what is monitored', () => {
  it('is listed in the docs as it exists', async () => {
    const listed = tablesBelow('docs/monitoring.md', 'Metrics')
      .flat()
      .map((row) => row[0]!.replaceAll('`', ''));
    expect(listed.filter((name) => name.startsWith('handover_')).sort()).toEqual([...(await existing()).keys()].sort());
  });

  it('has all events of the log in the docs, and no other', () => {
    expect(
      tableBelow('docs/monitoring.md', 'Log')
        .map(([event]) => event)
        .sort(),
    ).toEqual(loggedEvents());
  });

  it('alert rules are well formed and name metrics that exist', async () => {
    const types = await existing();
    const { groups } = parse(textOf('docs/alerts.yml')) as { groups: { rules: Rule[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(5);
    for (const { alert, expr, labels, annotations } of rules) {
      expect(alert).toMatch(/^Handover[A-Za-z]+$/);
      expect([labels['severity'], typeof annotations['summary']]).toEqual([
        expect.stringMatching(/^(page|ticket)$/),
        'string',
      ]);
      const named = namedIn(expr, types);
      expect(named.length, alert).toBeGreaterThan(0);
      for (const name of named) expect([...types.keys()], alert).toContain(name);
    }
  });

  it('the dashboard shows every metric, and none that does not exist', async () => {
    const types = await existing();
    const { panels } = JSON.parse(textOf('docs/grafana.json')) as { panels: { targets: { expr: string }[] }[] };
    const exprs = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const shown = new Set(exprs.flatMap((expr) => namedIn(expr, types)));
    expect([...shown].sort()).toEqual([...types.keys()].sort());
  });

  it('what people are told is listed', () => {
    expect(tableBelow('docs/monitoring.md', 'Notifications').map(([type]) => type)).toEqual([...HAPPENINGS]);
  });

  it('uses labels that the docs list', async () => {
    const rows = tablesBelow('docs/monitoring.md', 'Metrics').flat();
    const labels = new Map(rows.map(([name, of]) => [name!.replaceAll('`', ''), of!.split(', ')]));
    const all = textOf('docs/alerts.yml') + textOf('docs/grafana.json').replaceAll('\\"', '"');
    for (const [, name, matchers] of all.matchAll(/(handover_[a-z_]+)\{([^}]*)\}/g)) {
      for (const [, label] of matchers!.matchAll(/([a-z]+)=/g)) expect(labels.get(name!), name).toContain(label);
    }
  });
});
