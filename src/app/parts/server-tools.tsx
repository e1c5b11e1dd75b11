// What a server shows: what it says of itself, its tools, and what was not taken as it came. All text is untrusted and stays
// text. Knows no state of the page.
import type { ServerListing, ServerTool } from '../../workers/client.ts';
import { plural } from '../logic/format.ts';
import { Badge } from './small.tsx';

/** More tools start folded. */
const FEW_TOOLS = 8;

export function ServerTools({ catalogue }: { catalogue: NonNullable<ServerListing['catalogue']> }) {
  const { description, tools, problems } = catalogue;
  return (
    <>
      {description === '' ? null : <p class="server-description">{description}</p>}
      {tools.length === 0 ? (
        <p class="quiet">It shows no tools.</p>
      ) : (
        <details class="server-tools" open={tools.length <= FEW_TOOLS}>
          <summary>{plural(tools.length, 'tool')}</summary>
          <ul>
            {tools.map((tool) => (
              <Tool key={tool.name} tool={tool} />
            ))}
          </ul>
        </details>
      )}
      {problems.length === 0 ? null : (
        <details class="server-tools" open={tools.length === 0}>
          <summary>{plural(problems.length, 'problem')} with its tools</summary>
          <ul>
            {problems.map(({ tool, reason }, i) => (
              <li key={`${i}-${tool}`}>
                <code>{tool}</code>: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Tool({ tool }: { tool: ServerTool }) {
  const { description, signature } = tool;
  const promises = promisesOf(tool);
  return (
    <li>
      <p class="tool-head">
        <code>{signature}</code>
        {promises.map((text) => (
          <Badge key={text}>{text}</Badge>
        ))}
      </p>
      {description === '' ? null : <p class="quiet">{description}</p>}
    </li>
  );
}

/** What the server promises of a tool: nobody has looked whether it holds. */
function promisesOf({ readOnly, idempotent }: ServerTool): string[] {
  const promises: string[] = [];
  if (readOnly !== null) promises.push(readOnly ? 'read-only' : 'changes things');
  if (idempotent === true && readOnly !== true) promises.push('idempotent');
  return promises;
}
