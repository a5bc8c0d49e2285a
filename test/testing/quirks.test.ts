import { afterEach, expect, test } from 'vitest';
import { type HubQuirks, NO_QUIRKS } from '../../src/testing/hub/quirks.ts';
import { tableBelow } from '../docs/pages.ts';
import { closeAll, type Scene, scene } from './callbacks.ts';
import { tested } from './cases.ts';
import { OF_DELIVERIES } from './quirksOfDeliveries.ts';
import { OF_SUBSCRIPTIONS } from './quirksOfSubscriptions.ts';

afterEach(closeAll);

tested<Scene, HubQuirks>({ ...OF_SUBSCRIPTIONS, ...OF_DELIVERIES }, (quirks, kind) =>
  scene({ quirks, kind: kind ?? 'json' }),
);

test('every quirk is in the docs', () => {
  expect(tableBelow('docs/test-hub.md', 'Quirks of hubs').map(([name]) => name)).toEqual(Object.keys(NO_QUIRKS));
});

test('a quirk is switched on and off while the hub runs', async () => {
  const { hub, subscribe } = await scene();
  hub.set({ refusesNew: true });
  expect(await subscribe('/a')).toBe(503);
  hub.set({ refusesNew: NO_QUIRKS.refusesNew });
  expect(await subscribe('/a')).toBe(202);
});
