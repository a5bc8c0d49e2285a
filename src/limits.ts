/** Every bound of the engine, with its reason. */
export const LIMITS = {
  /** Records a page: large enough that a commit's fixed cost vanishes, small enough for Datastore's 500 mutations. */
  pageSize: 500,
  /** Rounds of look-decide-commit over one page. Rest takes at most 12 moves (P4); the rest is for lost races. */
  roundsPerPage: 24,
  /** Journal entries kept in a slot: a full journey there and back is 10. */
  journalEntries: 10,
  /** Ranges one home is split into: the grain at which workers share a sweep. */
  rangesPerHome: 16,
  /** The same of a large home, so that sixteen workers with four lanes have one each: each look reads all of a sweep's. */
  rangesPerHomeMost: 64,
  /** Records of a range, at least, where there are more than 16: eight pages, so that its claim costs little beside its work. */
  rangeRecords: 4_000,
  /** Ranges of a sweep over many homes, at least one for each: their bounds are one entity, and every look reads them all. */
  rangesPerSweep: 256,
  /** Ranges a worker has in hand at once. */
  lanes: 4,
  /** How long a lane without a range waits for the others at first; twice as long each time, */
  laneIdleMs: 5,
  /** up to this: each look reads every range of the sweep, and what other processes do is seen no later. */
  laneIdleMostMs: 250,
  /** A range is checkpointed this often: what is done since is looked at again after a crash, which changes nothing. */
  checkpointMs: 100,
  /** A worker that has not checkpointed for this long has lost its claim on a range; a claim is advice, never a lock. */
  claimMs: 750,
  /** A claim on a slow store may be longer, up to this; one that lies further ahead was made by a clock gone wrong. */
  longestClaimMs: 15_000,
  /** Nothing was free for so long, and somebody is at a range still: it is cut in two. Longer than the ranges of a sweep differ. */
  stragglerMs: 5_000,
  /** Of so many pieces of what is left the first must have more than a page, or it is not worth a cut. */
  stragglerPieces: 8,
  /** Attempts to cut it while whoever holds it writes. */
  cutAttempts: 10,
  /** Workers that may take a range one after the other, and get nowhere, before it is set aside: one bad page, not a bad day. */
  rangeTries: 8,
  /** After half of them it is left alone for so long, twice as long each time, */
  rangePauseMs: 1_000,
  /** up to this. */
  rangePauseMostMs: 60_000,
  /** How often each worker of a fleet looks whether a campaign is to be tended, times the workers there are: so all of them together, */
  tendMs: 1_000,
  /** and each at least so often, with some chance in it. Whoever has ended a range looks at once. */
  tendMostMs: 15_000,
  /** What was handed out so long ago, and nobody holds, is handed out anew: longer than a message takes, on a good day. */
  handOutAgainMs: 10_000,
  /** A message is kept for who has it so long, which is said anew three times in it; then it comes to somebody else. */
  messageMs: 30_000,
  /** The part of the time that a subscription waits for an answer in which a pushed range is worked on: the rest is for its last page. */
  pushShare: 0.6,
  /** Wait for one message: a process that is to end may have to wait for as long. */
  pullMs: 10_000,
  /**
   * A worker or client that has looked this long ago looks again before it acts (rule 4), so that the end of a campaign
   * can wait until nothing that was seen before can land any more. Nobody needs as long for a round, unless it stalls.
   */
  actWithinMs: 5_000,
  /** Attempts to write a part into its container, which others write too, before the call says that it is busy. */
  partAttempts: 8,
  /** How often an idle worker looks for work. */
  idleMs: 200,
  /** Wait after a sweep that moved nothing and proved nothing, at most: each of a generation is longer than the one before. */
  waitMostMs: 2_000,
  /** A resting campaign is swept again this often, so that strays and stale shadows are found. */
  restSweepMs: 60_000,
  /** A sweep under live traffic counts as clean when at most this share of what it saw needed a move. */
  cleanShare: 0.001,
  /** Clean sweeps in a row that settle a campaign where scans may lag: they were seen to show all rows by the third. */
  eventualSweeps: 3,
  /** Attempts of one compare-and-set on a control document before giving up. */
  controlAttempts: 50,
  /** The longest pause between two of them, where the store did not answer. */
  controlPauseMostMs: 1_000,
  /** Attempts of a router call on one record before it says `record.contended`. */
  routerAttempts: 100,
  /** Attempts of a client to move one record on, when the campaign goes on meanwhile. */
  moverAttempts: 3,
  /** The pause of such a call after the store had no room for it; twice as long each time, */
  routerPauseMs: 5,
  /** up to this. */
  routerPauseMostMs: 500,
  /** An announced insert that was not settled for this long was left by a process that died: others withdraw it. */
  birthMs: 5_000,
  /** The longest single wait for an announced insert of somebody else; it grows with the age of the insert. */
  birthWaitMs: 500,
  /** Mismatches of shadow reads that a campaign keeps with both values: the last ones. */
  mismatches: 10,
  /** Characters kept of each value of a mismatch: ten of them must fit into one entity of any store. */
  mismatchCharacters: 4_000,
  /** Quarantined records after which a campaign pauses, unless the migration says otherwise. */
  errorBudget: 100,
  /** Old keys and causes that can be skipped: they are kept in the campaign's document, which everybody reads. */
  skips: 100,
  /** Old keys and causes that may wait for a worker to try them again; the same holds for them. */
  retries: 100,
  /** Attempts to settle one record between its two entities, before it is left on the list. */
  settleAttempts: 5,
  /** Samples kept for each finding of `verify`. */
  samples: 10,
  /** Kinds that are looked through for keys of records that move and that no rule mentions: few applications have more. */
  undeclaredKinds: 1_000,
  /** Entities of each that are looked at, */
  undeclaredSample: 200,
  /** from so many places of its key order. */
  undeclaredPieces: 4,
  /** Keys that lead nowhere which `verify` remembers, to find out whether their records have moved: some 20 MB. */
  danglingKeys: 100_000,
  /** Ramp-up of traffic to a new range of keys: Cloud Datastore asks for 500 operations a second to begin with, */
  rampStartPerSecond: 500,
  /** half as much again */
  rampGrowth: 1.5,
  /** every five minutes: it splits hot ranges meanwhile. */
  rampIntervalMs: 300_000,
  /** Where the ramp ends: about what one worker can do where round trips take milliseconds. More workers may do more. */
  rampCeilingPerSecond: 10_000,
  /** What all lanes of a worker take up at once is this much of its budget, so that a page never spends more than a second. */
  pacePageMs: 500,
  /** Budget that is kept while nothing was asked for: evens out late timers, and is no burst for a store. */
  paceCreditMs: 100,
  /** A lane that waits for its turn looks this often whether it is still to wait, and says that it is still there. */
  paceSliceMs: 1_000,
  /** How often a worker with a bound counts those it shares it with: as many reads as a sweep has ranges. */
  paceShareMs: 2_000,
  /** Operations of this long tell what a worker's rate is now. */
  paceWindowMs: 2_000,
  /** What an exhausted store leaves of a worker's rate, each time it says so. */
  backOffFactor: 0.5,
  /** The same where more than `crowdedShare` of a round's records met others, in more than one group or two: */
  crowdedFactor: 0.9,
  /** then it is no hot group any more, but too much for all of them. */
  crowdedShare: 0.1,
  /** Groups that contend in a round before it counts as crowded. */
  crowdedGroups: 3,
  /** Never less than this of the rate at which it was exhausted: someone must find out that it is over. */
  backOffFloor: 0.01,
  /** Growth a second after a back-off: from a half to all in 7 seconds. */
  recoveryPerSecond: 1.1,
  /** Answers to what was under way when the rate was lowered say nothing new: it is lowered again after this only. */
  backOffMs: 250,
  /** A group in which others write is left alone for this long at first; twice as long each time, */
  coolMs: 50,
  /** up to this: an entity group takes about one write a second for long. */
  coolMostMs: 1_000,
  /** A record whose group never takes it is left to the next sweep after this, so that its range gets done. */
  coolPatienceMs: 15_000,
  /** Cooling groups remembered; beyond it those that are ready are forgotten. */
  coolGroups: 10_000,
  /** Operations a second by which a lazy campaign looks for what nobody has used, where no ceiling is set. */
  lazyPerSecond: 20,
  /** Hours that a lazy campaign may leave records to be used: what nobody uses in a year nobody waits for. */
  lazyMostHours: 8_760,
  /** Within this a store that lets others write while a moment is held has written: an emulator that does not takes a minute. */
  momentProbeMs: 3_000,
  /** Groups of one invariant: two totals each are in memory while it is taken. */
  invariantGroups: 100_000,
  /** Bytes of what a campaign began with, of all its invariants that must stay: one entity, with room for the rest of it. */
  invariantBaselineBytes: 900_000,
  /** Passes in a row that must find the same difference, where a store shows no single moment: writes under way end. */
  invariantPasses: 3,
  /** Passes after which nothing is found out: under so many writes no two looks agree. */
  invariantPassesMost: 12,
  /** Pause between two of them: about what a write takes. */
  invariantPauseMs: 100,
  /** Target keys that `plan` remembers to find collisions: 128 MiB of hashes. */
  planKeys: 12_000_000,
  /** Pieces of a home that a sample of `plan` is made of, if it has so many: fewer would be less like the whole. */
  samplePieces: 32,
  /** Records that such a piece has at least: one more or less is then two percent of it. */
  samplePieceRecords: 50,
  /** Commands that stand in the campaign itself: they must fit into one entity. Older ones have a document each. */
  historyEntries: 200,
  /** Bytes of an encoded key: LMDB's page-bound limit is 1,978. */
  keyBytes: 1_900,
  /** Bytes of an entity: Cloud Datastore refuses more than 1,048,572. */
  entityBytes: 1_048_572,
  /** Bytes of a key in Cloud Datastore; of one kind or name in it, 1,500. */
  datastoreKeyBytes: 6_144,
  /** Bytes of an entity there, as we count them: some 8 KiB less than it takes, for it counts in other ways. */
  datastoreEntityBytes: 1_040_000,
  /** Keys of one look-up in Cloud Datastore. */
  datastoreLookupKeys: 1_000,
  /** Bytes of one request to Cloud Datastore: it takes 10 MiB, its emulators 4; the rest is for our estimate. */
  datastoreRequestBytes: 9 * 1024 * 1024,
  emulatorRequestBytes: 3.5 * 1024 * 1024,
  /** Transactions of one process under way on an emulator: it carries out one, and refuses what waits too long for it. */
  emulatorTransactions: 1,
  /** Commits that one call has under way: more gain nothing where they have been measured. */
  datastoreCommits: 4,
  /** How long an answer of a hub is waited for before the same is asked again. */
  hubAnswerMs: 30_000,
  /** How long it may take a hub, once it has a request, to ask the callback. */
  hubVerifyMs: 600_000,
  /** Attempts of one request to a hub, with a pause that doubles. */
  hubAttempts: 8,
  hubPauseMs: 5_000,
  hubPauseMostMs: 600_000,
  /** A lease is taken to be this long where the hub has not said: what matters is when its renewal begins. */
  hubLeaseMs: 86_400_000,
  /** No lease is taken to be longer, whatever is said: whoever knows a callback's URL can say it. Hubs grant days or weeks. */
  hubLeaseMostMs: 31_536_000_000,
  /** Requests to hubs that a page of subscriptions has under way. */
  hubRequests: 8,
  /** What waits at a hub for a URL that failed goes out when that takes deliveries again, one after the other, within this. */
  hubBacklogMs: 20_000,
  /** A URL that was confirmed and gets nothing for so long, while the other does, is subscribed once more. */
  hubUnheardMs: 60_000,
  /** How often it is written down that a URL which was or is to be given up still gets something. */
  hubHeardMs: 60_000,
  /** When what a request may have left at a provider is looked for first; twice as long after each look, */
  hubLookMs: 60_000,
  /** up to this. */
  hubLookMostMs: 3_600_000,
  /** How long a request that was never answered may take to be carried out: as long as providers know an idempotency key. */
  hubLateMs: 86_400_000,
  /** Steps of one subscription in one visit: a hub that answers at once is followed to the next rest. */
  hubSteps: 8,
  /** Deadline of one call to a remote store, and attempts of what may be repeated, with a pause that doubles. */
  callMs: 15_000,
  callAttempts: 5,
  callPauseMs: 50,
  /** How long Cloud Datastore may go on with a commit whose deadline has passed: its transactions end when idle for 60 s. */
  datastoreLateMs: 60_000,
  /** Deadline of one call to a hub or a provider, redirects included: they answer in a second, and verify meanwhile. */
  hubCallMs: 15_000,
  /** Redirects that one call follows: more is a circle. */
  hubRedirects: 5,
  /** Bytes read of a hub's answer: a page of a provider's list is the longest, and some 100 KiB. */
  hubAnswerBytes: 1024 * 1024,
  /** Bytes read of a topic: feeds of more than some MiB are cut by those who make them. */
  topicBytes: 10 * 1024 * 1024,
  /** Characters kept of the reason that a hub gives. */
  hubCauseCharacters: 300,
  /** Bytes of a secret: WebSub says less than 200. */
  hubSecretBytes: 199,
  /** What a hub may ask us to wait, at most: beyond it somebody's clock or mind has gone wrong. */
  retryAfterMostMs: 86_400_000,
  /** Pages of a provider's list: 10,000 subscriptions where it has 100 a page. */
  hubListPages: 100,
  /** Keys that are walked to cut a range exactly, and, where the store has no samples, roughly. */
  splitWalkKeys: 1_000,
  splitSampleKeys: 50_000,
  /** Samples asked for each piece of a split. */
  splitSamples: 32,
  /** Age of a signature that names its moment, either way: five minutes, as Standard Webhooks, Stripe and Slack have it. */
  signatureAgeSeconds: 300,
  /** Bytes of a request to a callback URL. Of a feed each entry is stored on its own, so it may be over `entityBytes`. */
  deliveryBytes: 4 * 1024 * 1024,
  /** Entries of a feed that are told apart; one with more is taken as a whole. Hubs send what is new, rarely 100. */
  feedEntries: 1_000,
  /** Characters of what stands around the entries, over all of them: each is stored with it. */
  feedSharedCharacters: 16 * 1024 * 1024,
  /** Callbacks of which a receiver keeps what it has decoded: some KiB each. */
  callbacksRemembered: 1_000,
  /** Forged deliveries to one URL are written down this often at most: whoever floods it must not flood the store. */
  suspicionMs: 10_000,
  /** URLs with forged deliveries that `status` shows. */
  suspicionsShown: 20,
  /** Deliveries of one status that `status` counts: beyond it, it says that there are more. */
  deliveriesCounted: 1_000,
  /** Bytes of a delivery's body that an operator is shown. */
  deliveryHeadBytes: 1_000,
  /** How often a worker looks whether the inbox is to be swept, and for forged deliveries to log. */
  inboxWatchMs: 60_000,
  /** Ids in the inbox are forgotten to within this: windows are days, and each sweep reads all that is kept. */
  deliverySweepMs: 86_400_000,
  /** A worker that sweeps the inbox and has not said so for this long has died: another goes on. */
  deliverySweepClaimMs: 120_000,
  /** Deliveries that one process runs the handler on at once. */
  deliveryLanes: 4,
  /** Deliveries of one look at the inbox: with their bodies they lie in memory. */
  deliveryPage: 20,
  /** Of those that wait for a full lane, so many lie in memory, over all lanes. */
  deliveriesAhead: 1_000,
  /** How often an idle inbox is looked at for what other processes have stored. */
  deliveryIdleMs: 1_000,
  /** A worker renews its claim on a delivery three times in this, and has lost it after. */
  deliveryClaimMs: 30_000,
  /** Attempts to write down what became of a run: some five seconds, well within a claim. */
  deliveryMarkAttempts: 12,
  /** Runs of the handler that fail before a delivery is set aside for a person: over two hours. */
  deliveryAttempts: 20,
  /** The pause after the first; twice as long each time, */
  deliveryPauseMs: 1_000,
  /** up to this. */
  deliveryPauseMostMs: 600_000,
  /** Characters kept of what the last one failed with. */
  deliveryErrorCharacters: 1_000,
  /** Events that one process has under way to endpoints at once: some of these take their whole deadline, every time. */
  sendLanes: 64,
  /** Of these to one subscriber, so that a slow one holds up nobody else. */
  sendLanesEach: 4,
  /** Attempts of an event before it is set aside for a person: with the pauses, over a day. */
  sendAttempts: 36,
  /** The longest pause between two. */
  sendPauseMostMs: 3_600_000,
  /** Days for which a sent event's id is remembered: whoever puts it again within these sends nothing. */
  sendKeepDays: 14,
  /** Changes of a journey while one attempt is made ready. */
  sendLooks: 8,
  /** How often a failing endpoint on trial is written down. */
  sendNoteMs: 1_000,
  /** Percent of the events that an endpoint on trial gets first; so many times as much at each interval: all in 5 minutes. */
  shareStart: 5,
  shareGrowth: 2,
  shareIntervalMs: 60_000,
  /** Earlier states of a topic that are known again when they come back. */
  statesRemembered: 200,
  /** Bytes of a request to the admin API: the longest command is a key and a reason. */
  requestBytes: 64 * 1024,
  /** How long a request to it may take to come in, and an answer to be worked out. Nobody waits for longer. */
  requestMs: 30_000,
  /**
   * Looks that one caller may send in a minute, and as many commands; and requests of an address that shows nothing that
   * lets in. A page that looks every second, several of them.
   */
  requestsPerMinute: 600,
  /** Age of an answer of the store with which `/readyz` is content: nobody has to show anything to ask for it. */
  readyMs: 1_000,
  /** Characters of a reason, and of an Idempotency-Key. */
  reasonCharacters: 1_000,
  idempotencyKeyCharacters: 200,
  /** Rows of one page of an answer. */
  answerRows: 500,
  /** Jobs of a server that run at once: each reads all records. */
  jobsAtOnce: 2,
  /** Jobs that a server remembers. */
  jobsKept: 50,
  /** How long a server that was told to end waits for its pages, requests and streams: orchestrators kill after 30 s. */
  shutdownMs: 20_000,
  /** How long the keys of an OpenID Connect provider are waited for. */
  keySetMs: 5_000,
  /** How far the clocks of such a provider and of this machine may be apart. */
  idTokenSlackSeconds: 30,
  /** Open event streams of one server: each is a connection, and a few kilobytes. */
  eventStreams: 500,
  /** Of these, of one caller: a hundred tabs of his, twice. The others must not be kept out by him. */
  eventStreamsEach: 200,
  /** A look at the store for all of them, at most so often; and seldomer where it takes long, down to the second. */
  eventLookMs: 500,
  eventLookMostMs: 5_000,
  /** Bytes of a stream that wait to be read, and one event: states are whole, so the next one makes up for those between. */
  eventBufferBytes: 16 * 1024,
  /** Something is sent at least so often: proxies drop what is still for a minute. */
  eventHeartbeatMs: 15_000,
  /** Who takes nothing off a full stream for so long is gone. */
  eventStallMs: 30_000,
  /** How often that is looked at. */
  eventTickMs: 1_000,
  /** Then a stream ends, so that what lets in is shown again: tokens and roles end, too. */
  eventStreamMs: 3_600_000,
  /** What a browser waits before it comes again. */
  eventRetryMs: 2_000,
  /** The page waits twice as long after each attempt that fails, up to this: a server that is away is away for a while. */
  pageRetryMs: 15_000,
  /** A stream on which neither an event nor a heartbeat came for so long is lost: two heartbeats, and some for the way. */
  pageSilenceMs: 35_000,
  /** It tells a rate from what came in for so long: long enough for a steady number, short enough for a fresh one. */
  pageRateMs: 20_000,
  /** How often it asks for a job that its user has begun: a job says nothing by itself. */
  pageJobMs: 500,
  /** Rows of a list that it shows at once: what somebody looks through. */
  pageRows: 50,
  /** Subscriptions that a scrape looks at for the oldest intent. */
  intentsLooked: 5_000,
  /** How often a server looks for what people are to be told: one short scan. */
  noticeLookMs: 2_000,
  /** What is older is no news to a server that starts. */
  noticeLateMs: 86_400_000,
  /** A hook has this long; what it begins that takes longer it can wait for in another attempt. */
  hookMs: 60_000,
  /** Who called it may take this long to write down what came of it, before somebody else calls again. */
  hookLateMs: 15_000,
  /** Attempts of one hook before the campaign pauses, and again after each `resume`. */
  hookAttempts: 8,
  /** The pause after the first that fails; twice as long each time, */
  hookPauseMs: 1_000,
  /** up to this: all of them take two minutes, after which a person should look. */
  hookPauseMostMs: 60_000,
  /** Characters kept of what a hook failed with. */
  hookErrorCharacters: 300,
  /** Groups that became whole whose hooks a lane has under way at once: what is told of a user is mostly one request. */
  hooksAtOnce: 8,
  /** Nesting of arrays and entities in one value: Cloud Datastore allows 20. */
  valueDepth: 20,
} as const;
