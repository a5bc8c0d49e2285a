import { useState } from 'preact/hooks';
import { paths } from '../api.ts';
import { count, many, moment, words } from '../format.ts';
import { useJob } from '../job.ts';
import type { CampaignStatus, VerifyReport } from '../types.ts';
import { Give } from './Give.tsx';

/** What must be none: else something was lost or doubled, or a copy says something else. */
const FAULTS = ['duplicates', 'gaps', 'missing', 'stale', 'orphans', 'splits'] as const;

/** Proves that nothing was lost or doubled, by looking at every record in both homes. It writes no record. */
export function Verify({ status: { campaign, stage, commands } }: { status: CampaignStatus }) {
  const [report, setReport] = useState<VerifyReport>();
  const [begun, setBegun] = useState(commands);
  const { job, trouble, begin } = useJob<VerifyReport>(paths.verify(campaign), setReport);
  if (stage === 'draft') return null;
  return (
    <section aria-labelledby="verify">
      <h2 id="verify">Proof</h2>
      <p>Verify looks at every record in both homes, and says whether any was lost or doubled. It changes none.</p>
      <p class="row">
        <Give
          verb="verify"
          isBusy={job !== undefined}
          onPress={() => {
            setBegun(commands);
            void begin({ restart: true });
          }}
        >
          Verify
        </Give>
        <span role="status">
          {job &&
            `${count(job.seen)}${job.expected === undefined ? '' : ` of about ${count(job.expected)}`} looked at.`}
        </span>
      </p>
      {trouble && (
        <p class="note bad" role="alert">
          {trouble}
        </p>
      )}
      {report && <Verdict report={report} isOld={begun !== commands} />}
    </section>
  );
}

function Verdict({ report, isOld }: { report: VerifyReport; isOld: boolean }) {
  const { at, started, completed, inFlight, quarantined, clean } = report;
  const stale = report.references?.stale ?? 0;
  const dangling = report.references?.dangling ?? 0;
  const found = [
    ...FAULTS.filter((fault) => report[fault] > 0).map((fault) => `${words(fault)} ${count(report[fault])}`),
    ...(stale > 0 ? [`stale references ${count(stale)}`] : []),
  ];
  return (
    <p class={`note ${isOld && clean ? 'warn' : clean ? 'good' : found.length > 0 ? 'bad' : 'warn'}`} role="status">
      {found.length > 0
        ? `Found: ${found.join(', ')}.`
        : clean
          ? 'Clean: nothing is lost, and nothing is doubled.'
          : 'Not clean yet: not every record rests.'}{' '}
      {many(started, 'record')}: {count(completed)} at rest where they are wanted, {count(inFlight)} on their way,{' '}
      {count(quarantined)} quarantined. Looked at {moment(at)}.
      {dangling > 0 && ` ${many(dangling, 'reference')} lead to no record in either home.`}
      {report.undeclared &&
        ` No rule mentions keys of records that move in ${report.undeclared.map(({ kind, property }) => `${kind} ${property}`).join(', ')}.`}
      {isOld && ' Commands were given since: it says nothing of what they do. Verify again.'}
    </p>
  );
}
