// What keeps the page from a server, in words, with the headers that mend it. Knows no state of the page.
import type { Diagnosis, Finding } from '../../workers/client.ts';
import { Badge } from './small.tsx';

/** @param diagnosis null while the server is asked. */
export function DiagnosisReport({
  name,
  diagnosis,
}: {
  name: string;
  diagnosis: Diagnosis | null;
}) {
  if (diagnosis === null) return <p class="quiet">Looking for the cause…</p>;
  const { findings, works, page } = diagnosis;
  return (
    <section class="diagnosis" aria-label={`Check of ${name}`}>
      {findings.length === 0 ? (
        <p>
          {works
            ? 'Nothing stands in the way of this page.'
            : 'The server was reached, and no cause was found.'}
        </p>
      ) : (
        <p class="quiet">What stands between {page} and this server:</p>
      )}
      {findings.length === 0 ? null : (
        <ol class="findings">
          {findings.map((finding) => (
            <FindingItem key={finding.code} finding={finding} />
          ))}
        </ol>
      )}
    </section>
  );
}

function FindingItem({ finding }: { finding: Finding }) {
  const { blocks, problem, fix, headers } = finding;
  const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}`);
  return (
    <li class="finding">
      <p>
        <Badge tone={blocks ? 'bad' : 'plain'}>{blocks ? 'blocks' : 'minor'}</Badge> {problem}
      </p>
      <p>{fix}</p>
      {lines.length === 0 ? null : <pre class="header-lines">{lines.join('\n')}</pre>}
    </li>
  );
}
