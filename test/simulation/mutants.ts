import type { Space } from '../../src/testing/scenario.ts';
import { PART_MUTANTS } from './partMutants.ts';
import { REFERENCE_MUTANTS } from './referenceMutants.ts';

/**
 * Known-wrong variants of the engine and the router, each of which the simulator must find: a checker that cannot fail
 * proves nothing. A mutant is one change to one compiled file, made while it is loaded: the product has no seam for it.
 */
export interface Mutant {
  /** What is wrong. */
  readonly what: string;
  /** A compiled file below dist/, and the text in it that is there exactly once. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
  /** Seeds within which it must be found: three times as many as it took, or more. */
  readonly within: number;
  /** What is simulated, where it is not feeds alone: a migration with invariants, with what refers to its records, of records inside others,
   * of which there is another version, with hooks, or under a ceiling. */
  readonly subjects?: 'ledger' | 'references' | 'parts' | 'upgrades' | 'hooks' | 'bound';
  /** Not found within so many seeds so far: too many things must come together. It is tried when it is named only. */
  readonly elusive?: true;
  /** The part of all scenarios in which it is looked for, where it shows in few of them. */
  readonly space?: Partial<Space>;
}

const record = 'machines/record.js';
const change = 'src/router/change.js';
const look = 'src/router/look.js';
const campaign = 'src/engine/campaign.js';

/** One record, which is there, and nothing said of the rest. */
const ONE = { records: [1], absent: 0, lanes: [1], documentFaults: [0] } as const;

/** Two workers whose calls stall while the campaign is called off. */
const CALLED_OFF = {
  ...ONE,
  workers: [2],
  clients: [0],
  begins: ['copied', 'switched'],
  changes: [1],
  minds: ['cancel'],
  endings: ['home'],
  waits: ['move', 0],
  held: [20, 50],
} as const;

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  ...REFERENCE_MUTANTS,
  ...PART_MUTANTS,
  // ------------------------------------------------------------ the record machine
  uncede: {
    what: 'a ceded record is taken back though its peer was never owner',
    file: record,
    find: `handingOver: { on: always(promote('T', 'switched')) }`,
    put: `handingOver: { on: { ...always(promote('T', 'switched')), 'want.home': promote('S', 'returned') } }`,
    within: 500,
  },
  promoteStale: {
    what: 'a shadow is promoted without comparing its fingerprint',
    file: record,
    find: `handingOverStale: { on: always(refresh('T', 'handingOver')) }`,
    put: `handingOverStale: { on: always(promote('T', 'switched')) }`,
    within: 1_000,
    space: {
      ...ONE,
      stores: ['no guards'],
      workers: [3],
      lanes: [2],
      clients: [1, 2],
      wishes: ['update'],
      moves: ['never', 'write'],
      begins: ['switched'],
      changes: [1, 2, 3],
      minds: ['resume', 'reverse'],
      waits: ['move', 0, 1],
      heldWrites: [300, 500, 700],
      recordFaults: [0],
    },
  },
  promoteUnceded: {
    what: 'a shadow is promoted though its peer has not ceded',
    file: record,
    find: `'want.switched': cede('S', 'handingOver')`,
    put: `'want.switched': promote('T', 'switched')`,
    within: 200,
  },
  cedeEarly: {
    what: 'the copy phase cedes the source',
    file: record,
    find: `'want.home': drop('T', 'atHome'),
            'want.switched': cede('S', 'handingOver'),`,
    put: `'want.home': drop('T', 'atHome'),
            'want.copied': cede('S', 'handingOver'),
            'want.switched': cede('S', 'handingOver'),`,
    within: 200,
  },
  dropEarly: {
    what: 'the ceded side is dropped before its peer is owner',
    file: record,
    find: `handingOver: { on: always(promote('T', 'switched')) }`,
    put: `handingOver: { on: { ...always(promote('T', 'switched')), 'want.completed': drop('S', 'completed') } }`,
    within: 200,
  },
  reverseStale: {
    what: 'the way back starts from a copy that is not what the owner says',
    file: record,
    find: `'want.home': refresh('S', 'reversible'),`,
    put: `'want.home': cede('T', 'handingBack'),`,
    within: 22_000,
  },
  tombstoneFirst: {
    what: 'the tombstone is dropped before the frozen side that it keeps down',
    file: record,
    find: `deletedAwayPeer: { on: always(drop('S', 'deletedAway')) }`,
    put: `deletedAwayPeer: { on: always(drop('T', 'absent')) }`,
    within: 200,
  },
  // ------------------------------------------------------------ workers
  noLook: {
    what: 'a worker replaces a side without having looked at the other while it held it',
    file: 'src/engine/movePlan.js',
    find: `return move.type === 'copy' || move.type === 'pass' || pair.replaceable === 'both' || pair.replaceable === move.at;`,
    put: 'return true;',
    within: 6_000,
  },
  noFingerprint: {
    what: 'a copy counts as fresh whatever it was made from',
    file: 'src/engine/pair.js',
    find: `return isFresh(T, S, version) ? state : STALE[state];`,
    put: 'return state;',
    within: 200,
  },
  lostIsConflict: {
    what: 'a lost answer counts as a refusal: the sweep does not know that a move may still land',
    file: 'src/engine/reconcile.js',
    find: `if (outcome.status === 'unknown')
                item.doubtful = true;`,
    put: '',
    within: 12_000,
    space: {
      ...ONE,
      absent: 500,
      stores: ['no guards', 'no guards, no snapshots'],
      workers: [1, 2],
      clients: [1, 2],
      wishes: ['insert', 'delete'],
      calls: [2, 3, 4],
      moves: ['never'],
      begins: ['completed'],
      changes: [0],
      waits: [0, 1, 50, 'move'],
      heldWrites: [300, 600],
      faults: ['lost.late'],
      recordFaults: [100, 200],
    },
  },
  halfPass: {
    what: 'the short path writes the new owner, and leaves the old one as it was',
    file: 'src/engine/moves.js',
    find: `                replace(pair, peer, 'ceded', pair[peer].content, of, journal, actor),
`,
    put: '',
    within: 200,
  },
  checkpointFirst: {
    what: 'a range counts as done before its last page is',
    file: 'src/engine/rangeWork.js',
    find: 'return { found, result: await unlessFenced(() => process(work, fence, found.entities, rest)) };',
    put: `if (!found.more) await claim.checkpoint({ cursor, done: true, counts: {} }, false);
            return { found, result: await unlessFenced(() => process(work, fence, found.entities, rest)) };`,
    within: 500,
  },
  handsUnnoticed: {
    what: 'a sweep closes the campaign though a range of it changed hands, or an answer was lost',
    file: campaign,
    find: `const underWay = (counts.doubtful ?? 0) + (counts['S.birth'] ?? 0);`,
    put: `const underWay = counts['S.birth'] ?? 0;`,
    within: 35_000,
  },
  unfenced: {
    what: 'a commit lands though the campaign has gone on since the look that it relies on',
    file: 'src/store/store.js',
    find: 'return capabilities.guards ? { key, version } : undefined;',
    put: 'return undefined;',
    within: 100,
    space: {
      ...CALLED_OFF,
      stores: ['commits of a group', 'no snapshots'],
      recordFaults: [0],
    },
  },
  notQuiet: {
    what: 'without guards, the sweep that closes the campaign does not wait for what was seen before it',
    file: 'src/engine/campaignWork.js',
    find: 'if (!this.#isQuiet(campaign))',
    put: 'if (false)',
    within: 100,
    space: {
      ...CALLED_OFF,
      stores: ['no guards', 'no guards, no snapshots'],
      recordFaults: [0],
    },
  },
  slowHand: {
    what: 'without guards, a worker that stalled commits what it saw long ago',
    file: 'src/engine/fence.js',
    find: `        throw new Fenced();
    }
}`,
    put: `    }
}`,
    elusive: true,
    within: 20_000,
    space: {
      ...CALLED_OFF,
      stores: ['no guards', 'no guards, no snapshots'],
      faults: ['conflict', 'lost.before'],
      recordFaults: [200],
    },
  },
  lostForGood: {
    what: 'a range whose message was lost is never handed out anew',
    file: 'src/engine/handOut.js',
    find: 'const anew = sent?.turn === turn',
    put: 'const anew = false',
    within: 100,
    space: { dispatches: ['post'] },
  },
  neverCounted: {
    what: 'a worker under a bound waits to be counted anew with each claim that it makes or keeps',
    file: 'src/engine/pace.js',
    find: 'if (seenUntil < askedAt)',
    put: 'if (true)',
    within: 100,
    subjects: 'bound',
    space: { stalled: [300] },
  },
  upgradeAtOnce: {
    what: 'another version takes over although new homes own what is of the one before',
    file: 'src/admin/upgrade.js',
    find: '!current.away && ',
    put: '',
    within: 100,
    subjects: 'upgrades',
  },
  upgradeUnproven: {
    what: 'another version takes over although something of the one before may still land',
    file: campaign,
    find: ` || stage === 'upgrading'`,
    put: '',
    within: 1_000,
    subjects: 'upgrades',
    space: {
      ...CALLED_OFF,
      stores: ['no guards', 'no guards, no snapshots'],
      minds: ['upgrade'],
      begins: ['switched'],
    },
  },
  hookSkipped: {
    what: 'a command that waits for its hooks takes effect when one of them was tried',
    file: 'src/engine/campaignHooks.js',
    find: `        if ((await call(calling, due, still)) !== 'done')
            return 'waits';
    await updateCampaign(calling, campaign.id, (now) => (still(now) ? takenOver(now)`,
    put: `        await call(calling, due, still);
    await updateCampaign(calling, campaign.id, (now) => (still(now) ? takenOver(now)`,
    within: 100,
    subjects: 'hooks',
  },
  hookForgotten: {
    what: 'a group that has become whole counts as told of before its hook is done',
    file: 'src/engine/groupHooks.js',
    find: ` !== 'done')
        return false;`,
    put: ` === 'nothing')
        return false;`,
    within: 100,
    subjects: 'hooks',
  },
  staleTotals: {
    what: 'a copy that is out of date is compared with the record, as if it said the same',
    file: 'src/engine/invariantPass.js',
    find: `if (role === 'H' && isFresh(peer, held, version))`,
    put: `if (role === 'H')`,
    within: 100,
    subjects: 'ledger',
    space: {
      ...ONE,
      stores: ['commits of a group', 'no snapshots'],
      workers: [1],
      clients: [2],
      wishes: ['update'],
      calls: [4],
      moves: ['never'],
      begins: ['copied'],
      changes: [0],
      endings: ['copied', 'switched'],
      waits: ['move', 0, 1, 5],
      recordFaults: [0],
    },
  },
  frozenTotals: {
    what: 'the frozen side is compared with a record that was written since',
    file: 'src/engine/invariantPass.js',
    find: `held.slot?.of === peer?.slot?.of && held.slot?.nonce === peer?.slot?.nonce`,
    put: 'true',
    within: 300,
    subjects: 'ledger',
  },
  // ------------------------------------------------------------ clients
  insertAtOnce: {
    what: 'a client inserts without announcing the birth',
    file: change,
    find: 'await this.#send(birth(found, content, { clock, nonce: this.#nonce }));',
    put: `const { status } = await this.#send({ op: 'insert', key: found.keys.S, content });
        if (status === 'applied') return { done: true, record, keys: found.keys };`,
    within: 2_500,
  },
  // A settleBlind would be no flaw: an insert announces after a look at one moment, and looks so from then on (`#care`);
  // so what it settles on is `replaceable: 'both'` always, and the check in Change.settle never fails.
  deleteOutright: {
    what: 'a client deletes the owner outright while the other side is ceded',
    file: change,
    find: `const outright = !content && !ceded && roleOf(found[other(at)]) !== 'C';`,
    put: 'const outright = !content;',
    within: 200,
  },
  tornLook: {
    what: 'a client takes two reads at two moments for a look at one',
    file: look,
    find: `if (!same(S, await read(keys.S)))
            continue;`,
    put: '',
    within: 20_000,
    space: {
      ...ONE,
      absent: 1000,
      stores: ['no snapshots', 'no guards, no snapshots'],
      workers: [1],
      clients: [2, 3],
      wishes: ['insert', 'delete'],
      calls: [1, 2],
      moves: ['never'],
      begins: ['switched', 'completed'],
      changes: [0],
      waits: ['move', 0],
      held: [50, 200],
      recordFaults: [0],
    },
  },
  promoteByInsert: {
    what: 'a client promotes a missing peer by inserting the owner',
    file: change,
    find: `        if (!found[at])
            return this.#giveBack(found, at);`,
    put: `        if (!found[at]) {
            if (!content) return this.#giveBack(found, at);
            const stored = storedAt(found, content, at, this.#shape);
            const { status } = await this.#send({ op: 'insert', key: found.keys[at], content: stored });
            return status === 'applied' ? { done: true, record: toPlain(content.properties), keys: found.keys } : undefined;
        }`,
    within: 4_000,
    space: {
      ...ONE,
      stores: ['no guards'],
      workers: [2],
      clients: [1, 2],
      wishes: ['update'],
      moves: ['never'],
      begins: ['switched'],
      changes: [1, 2],
      minds: ['reverse'],
      waits: ['move', 0, 1],
      heldWrites: [300, 500],
      recordFaults: [0],
    },
  },
  noConfirm: {
    what: 'a client trusts two reads that saw no owner',
    file: look,
    find: `return replaceable === 'both' || isOwner(S) !== isOwner(T);`,
    put: 'return true;',
    within: 1_500,
  },
  lostIsFailure: {
    what: 'a client takes a lost answer for a failure, and writes again',
    file: change,
    find: `if (outcome.status === 'unknown') {`,
    put: `if (outcome.status === 'never') {`,
    within: 1_000,
  },
  believesCeded: {
    what: 'a reader believes the side that gave the truth away, though the other has taken it',
    file: 'src/record/authority.js',
    find: `CO: row('switched', owner('T'),`,
    put: `CO: row('switched', ceded('S', 'shadow'),`,
    within: 200,
  },
  buryLate: {
    what: 'a client leaves a tombstone on what it saw long ago',
    file: change,
    find: `        if (!content && !outright && this.#isOld(found))
            return undefined;`,
    put: '',
    within: 4_000,
    space: {
      ...ONE,
      stores: ['no guards', 'no guards, no snapshots'],
      workers: [1],
      clients: [2],
      wishes: ['delete', 'get'],
      calls: [4],
      moves: ['never'],
      begins: ['completed'],
      changes: [0],
      endings: ['completed'],
      waits: ['move'],
      faults: ['slow'],
      held: [10],
      recordFaults: [200],
    },
  },
  // ------------------------------------------------------------ the store
  lastWriteWins: {
    what: 'the store ignores the version that a write names',
    file: 'src/store/memoryData.js',
    find: 'row !== undefined && row.version === mutation.version;',
    put: 'row !== undefined;',
    within: 200,
  },
  tornUnits: {
    what: 'the store applies what it can of a commit that is to be all or nothing',
    file: 'src/store/memory.js',
    find: '!unit.every((mutation) => data.holds(mutation))',
    put: '!unit.some((mutation) => data.holds(mutation))',
    within: 200,
  },
};
