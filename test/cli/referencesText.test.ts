import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { planText } from '../../src/cli/planText.ts';
import { undeclaredText, verifyReferencesText } from '../../src/cli/referencesText.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { plan } from '../../src/engine/plan.ts';
import { planReportSchema } from '../../src/engine/planReport.ts';
import { verifyReportSchema } from '../../src/engine/verifyReport.ts';
import { key } from '../../src/record/key.ts';
import { content, type Feed, oldKey, rest, seed, verified, world } from '../engine/harness.ts';

it('plan and verify tell of references in words, and their schemas describe it', async () => {
  const feeds = entity<Feed>({
    from: 'Feed',
    into: 'User/Feed',
    to: (feed, old) => key('User', feed.user, 'Feed', old.id),
    references: [{ kind: 'Entry', property: 'feed' }],
  });
  const w = world({ migration: defineMigration({ name: 'feeds', version: 1, records: [feeds] }) });
  await seed(w.store, 2);
  await w.store.overwrite([
    { key: key('Entry', 1), content: content({ feed: oldKey(1) }) },
    { key: key('Entry', 2), content: content({ feed: oldKey(77) }) },
    { key: key('Note', 1), content: content({ feeds: [oldKey(1), oldKey(2)] }) },
  ]);
  const planned = await plan(w.store, w.migration);
  planReportSchema.strict().parse(planned);
  const text = planText(planned, 'memory', 100);
  expect(text).toContain(
    'Entry feed: 2 entities; 6 reads a sweep, 1 write\n    1 key at which nothing stands: Entry:2',
  );
  expect(text).toContain('Note feeds: keys of Feed in 1 of 1 entity, as in Note:1');
  await commands.start(w.context, 'feeds', { to: 'completed' });
  await rest(w);
  await w.store.overwrite([{ key: key('Entry', 3), content: content({ feed: oldKey(2) }) }]);
  const report = await verified(w);
  verifyReportSchema.strict().parse(report);
  expect(verifyReferencesText(report).split('\n')).toEqual([
    '3 entities that may refer to records.',
    '1 reference to a key that the record has left',
    '  Entry:3',
    '1 reference to no record in either home',
    '  Entry:2',
  ]);
  expect(undeclaredText(report)).toContain('Note feeds');
});
