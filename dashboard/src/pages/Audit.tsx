// The audit log: who changed what and when, the newest first.
import { Anchor, Button, Group, Select, Table, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useSearchParams } from 'react-router-dom';
import { get, id, type Schemas } from '../api/client';
import { useConnections } from '../api/hooks';
import { hint } from '../components/Hint';
import { Loaded, Nothing, Page } from '../components/Page';
import { Time } from '../components/Time';
import { texts } from '../texts';

type Entry = Schemas['AuditEntry'];
const size = 50;

export default function Audit() {
  const connections = useConnections();
  const [query, setQuery] = useSearchParams();
  // An id; from a link that somebody wrote, also a name.
  const asked = query.get('connection') ?? '';
  const only = connections.data?.find((c) => [c.id, c.name, `${c.provider}/${c.name}`].includes(asked))?.id ?? asked;
  const choose = (value: string | null) => setQuery(value ? { connection: value } : {});
  const log = useInfiniteQuery({
    queryKey: ['audit', only],
    queryFn: ({ pageParam }) => get<{ entries: Entry[] }>(`/api/audit?limit=${size}${only ? `&connection=${id(only)}` : ''}${pageParam ? `&before=${pageParam}` : ''}`),
    initialPageParam: 0,
    getNextPageParam: ({ entries }) => (entries.length < size ? undefined : entries[size - 1].id),
    // Whoever reads far back is not disturbed.
    refetchInterval: ({ state }) => (state.status === 'error' ? 10_000 : (state.data?.pages.length ?? 0) > 2 ? false : 15_000),
  });
  const accounts = (connections.data ?? []).map((c) => ({ value: c.id, label: `${c.provider}/${c.name}` }));
  // One that was removed is known by what it was called at last.
  const gone = only && connections.data && !accounts.some((a) => a.value === only);
  if (gone) accounts.push({ value: only, label: `${log.data?.pages[0].entries[0]?.subjectName || only} (removed)` });
  return (
    <Page title="Audit" intro="Who changed what, the newest first. What was asked of models is on the page Requests.">
      <Group>
        <Select aria-label="Account" placeholder="All changes" value={only || null} onChange={choose} data={accounts} allowDeselect={false} searchable limit={100} nothingFoundMessage="No account is called that" w={280} />
        {only && <Button variant="subtle" onClick={() => choose(null)}>Show all</Button>}
      </Group>
      <Loaded query={log}>
        {(data) => {
          const entries = data.pages.flatMap((page) => page.entries);
          if (entries.length === 0) return <Nothing title={only ? 'Nothing is known of this account' : 'Nothing yet'}><Text size="sm" c="dimmed">{only ? 'Changes that are long ago are dropped.' : 'Changes of accounts, combos, proxies, webhooks, keys and the password appear here.'}</Text></Nothing>;
          return (
            <>
              {/* The roles are said, because the narrow look takes the elements' own away. */}
              <Table className="log" role="table" aria-label="Changes">
                <Table.Thead role="rowgroup"><Table.Tr role="row"><Table.Th role="columnheader">When</Table.Th><Table.Th role="columnheader">What</Table.Th><Table.Th role="columnheader">By</Table.Th></Table.Tr></Table.Thead>
                <Table.Tbody role="rowgroup">
                  {entries.map((e) => (
                    <Table.Tr key={e.id} role="row">
                      <Table.Td role="cell"><div className="line"><Time at={e.at} /><span className="faint">{e.at && exact(e.at)}</span></div></Table.Td>
                      <Table.Td role="cell"><What of={e} choose={e.subjectId === only ? undefined : choose} /></Table.Td>
                      <Table.Td role="cell" className="wrap" dir="auto">{e.actor === 'service' ? 'the service' : e.actor}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
              {log.hasNextPage && <Button variant="default" onClick={() => log.fetchNextPage()} loading={log.isFetchingNextPage}>Older</Button>}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

const exact = (at: string) => new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const bad = ['connection.suspended', 'connection.reauth_required', 'connection.exhausted', 'token.refresh_failed', 'login.failed'];

function What({ of: e, choose }: { of: Entry; choose?: (account: string) => void }) {
  const { count, until, ...detail } = (e.detail ?? {}) as Record<string, unknown>;
  const more = told(detail);
  const name = e.subjectName || (e.subject === 'connection' ? e.subjectId : '');
  return (
    <>
      <div className="line">
        <span className={bad.includes(e.action) ? 'what warn' : 'what'}>{Object.hasOwn(texts.actions, e.action) ? texts.actions[e.action] : e.action}</span>
        {name && (e.subject === 'connection' && choose
          ? <Anchor component="button" size="sm" ta="start" className="wrap" dir="auto" onClick={() => choose(e.subjectId)} {...hint('Only what was changed of this account')}>{name}</Anchor>
          : <span className="wrap" dir="auto">{name}</span>)}
        {Number(count) > 1 && <span className="faint">{String(count)} times, the last <Time at={Number(until)} /></span>}
      </div>
      {more && <div className="faint wrap" dir="auto">{more}</div>}
    </>
  );
}

// What more the log has of it. Members that are not known here are shown as they are.
function told({ from, to, before, url, error, reason, ...rest }: Record<string, unknown>) {
  const text = (value: unknown) => (typeof value === 'string' ? value : typeof value === 'number' ? value.toLocaleString() : JSON.stringify(value));
  const parts = [
    typeof from === 'string' && `from ${Object.hasOwn(texts.states, from) ? texts.states[from] : from}`,
    typeof to === 'string' && `to ${to}`,
    typeof before === 'string' && before !== url && `was ${before}`,
    url && text(url),
    ...Object.entries(rest).filter(([, value]) => value !== null && value !== false && value !== '').map(([name, value]) => (value === true ? name : `${name}: ${text(value)}`)),
  ].filter(Boolean).join(', ');
  return [parts, error && text(error), reason && text(reason)].filter(Boolean).join(': ');
}
