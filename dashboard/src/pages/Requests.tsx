// The request log, live. What was said is shown in the details, when the service is set to keep it.
import { Alert, Autocomplete, Badge, Button, Code, Group, Modal, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { base, call, get, id, type Schemas } from '../api/client';
import { say, useChange, useConnections, useKeys, useModels } from '../api/hooks';
import { Loaded, Nothing, Page } from '../components/Page';
import { Time } from '../components/Time';
import { WideTable } from '../components/WideTable';
import { texts } from '../texts';

type Entry = Schemas['LoggedRequest'];
interface Said { request: string; requestBytes: number; answer: string; answerBytes: number }

export default function Requests() {
  const client = useQueryClient();
  const [status, setStatus] = useState('');
  const [connection, setConnection] = useState('');
  const [model, setModel] = useState('');
  const [caller, setCaller] = useState('');
  const connections = useConnections();
  const models = useModels();
  const keys = useKeys();
  const [shown, setShown] = useState<Entry>();
  const [dropping, setDropping] = useState(false);
  const drop = useChange(() => call('DELETE', '/api/requests/content'), ['request'], () => say('What was said so far is gone.'));
  const wanted = Object.entries({ status, connection, model, caller }).filter(([, value]) => value);
  const filter = ['limit=50', ...wanted.map(([name, value]) => `${name}=${id(value)}`)].join('&');
  const log = useInfiniteQuery({
    queryKey: ['requests', filter],
    queryFn: ({ pageParam }) => get<{ requests: Entry[]; nextBefore: number | null; contentKept?: boolean }>(`/api/requests?${filter}${pageParam ? `&before=${pageParam}` : ''}`),
    initialPageParam: 0,
    getNextPageParam: (page) => page.nextBefore ?? undefined,
  });
  // Whoever reads far back is not disturbed, and so many pages are not asked for with each request that ends.
  const reading = (log.data?.pages.length ?? 0) > 2;
  const looksAway = useRef(reading);
  looksAway.current = reading;
  const [newer, setNewer] = useState(false);
  const newest = () => { setNewer(false); void client.resetQueries({ queryKey: ['requests', filter] }); };
  useEffect(() => {
    let events: EventSource;
    let due: ReturnType<typeof setTimeout> | undefined;
    let later: ReturnType<typeof setTimeout> | undefined;
    // Many at once are one look, a moment later: the log is written in batches. Also once the view is open, for what
    // ended just before.
    const look = () => {
      due ??= setTimeout(() => {
        due = undefined;
        if (looksAway.current) setNewer(true);
        else void client.invalidateQueries({ queryKey: ['requests'] });
      }, 700);
    };
    const watch = () => {
      events = new EventSource(`${base}/api/requests/live`);
      events.addEventListener('request', look);
      events.addEventListener('open', look);
      // The browser tries again by itself, unless it was refused: too many views, or a proxy while the service starts.
      events.addEventListener('error', () => { if (events.readyState === EventSource.CLOSED) later = setTimeout(() => { look(); watch(); }, 10_000); });
    };
    watch();
    return () => { events.close(); clearTimeout(due); clearTimeout(later); };
  }, [client]);
  const number = (value: number | null) => (value === null ? '-' : value.toLocaleString());
  return (
    <Page title="Requests" intro="Live. Who served what, how fast, for how many credits. What was said is kept only when the service is set to.">
      <Group>
        <SegmentedControl aria-label="Which" value={status} onChange={setStatus} data={[{ value: '', label: 'All' }, { value: 'ok', label: 'Served' }, { value: 'failed', label: 'Failed' }]} />
        <Named label="Account" value={connection} onChange={setConnection} names={connections.data?.map((c) => c.name)} />
        <Named label="Model" value={model} onChange={setModel} names={models.data?.map((m) => m.id)} />
        <Named label="Asked by" value={caller} onChange={setCaller} names={keys.data?.map((k) => `key:${k.name}`)} />
      </Group>
      <Loaded query={log}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.requests);
          const kept = data.pages[0].contentKept && (
            <Alert color="yellow" p="xs">
              <Group justify="space-between">
                <Text size="sm">{texts.contentKept}</Text>
                <Button size="compact-sm" variant="default" onClick={() => setDropping(true)}>Drop it now</Button>
              </Group>
            </Alert>
          );
          if (rows.length === 0) return <>{kept}<Nothing title={wanted.length ? 'Nothing of that kind' : 'Nothing yet'}><Text size="sm" c="dimmed">{wanted.length ? 'Names count when they are whole.' : 'Requests of your tools appear here as they end.'}</Text></Nothing></>;
          return (
            <>
              {kept}
              {newer && <Button variant="light" onClick={newest}>Show the newest</Button>}
              <WideTable label="Requests" width={760}>
                  <Table.Thead><Table.Tr><Table.Th>When</Table.Th><Table.Th>Status</Table.Th><Table.Th>Model</Table.Th><Table.Th>Served by</Table.Th><Table.Th ta="right">First byte</Table.Th><Table.Th ta="right">Whole</Table.Th><Table.Th ta="right">Tokens</Table.Th><Table.Th ta="right">Credits</Table.Th><Table.Th /></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {rows.map((r) => (
                      <Table.Tr key={r.id ?? r.requestId}>
                        <Table.Td><Time at={r.at} /></Table.Td>
                        <Table.Td><Badge variant="light" color={r.status < 400 ? 'teal' : r.status < 500 ? 'orange' : 'red'}>{r.status}</Badge></Table.Td>
                        <Table.Td className="wrap">{r.model}</Table.Td><Table.Td className="wrap">{r.connectionName ? <>{r.status >= 400 && <span className="faint">tried last: </span>}{r.connectionName}</> : '-'}</Table.Td>
                        <Table.Td ta="right">{r.firstByteMs === null ? '-' : `${r.firstByteMs} ms`}</Table.Td><Table.Td ta="right">{r.durationMs} ms</Table.Td>
                        <Table.Td ta="right">{number(r.inputTokens)} / {number(r.outputTokens)}</Table.Td><Table.Td ta="right">{r.credits === null ? '-' : r.credits.toFixed(3)}</Table.Td>
                        <Table.Td><Button size="compact-xs" variant="subtle" onClick={() => setShown(r)} aria-label={`Details of ${r.requestId}`}>Details</Button></Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </WideTable>
              {log.hasNextPage && <Button variant="default" onClick={() => log.fetchNextPage()} loading={log.isFetchingNextPage}>Older</Button>}
            </>
          );
        }}
      </Loaded>
      {dropping && (
        <Modal opened onClose={() => setDropping(false)} title="Drop what was said?">
          <Stack><Text size="sm">Of all requests so far. The log itself stays, and what is said from now on is kept again.</Text><Group justify="flex-end"><Button variant="default" data-autofocus onClick={() => setDropping(false)}>Keep it</Button><Button color="red" onClick={() => { drop.mutate(undefined); setDropping(false); }}>Drop it</Button></Group></Stack>
        </Modal>
      )}
      {shown && <Details entry={shown} close={() => setShown(undefined)} />}
    </Page>
  );
}

// A filter by a whole name: one of those that there are, or one that is there no more.
function Named({ label, value, onChange, names = [] }: { label: string; value: string; onChange: (value: string) => void; names?: string[] }) {
  return <Autocomplete aria-label={label} placeholder={label} value={value} onChange={onChange} data={[...new Set(names)]} limit={50} w={200} />;
}

// A JSON body is easier to read with line breaks; one that was cut is no JSON any more.
function readable(text: string) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

interface Attempt { connection?: string; provider?: string; model?: string; ok?: boolean; error?: string; status?: number }

// What is known of it, as people read it; the record as it is stands below.
function facts(r: Entry): [string, string][] {
  const ms = (value: number | null) => (value === null ? '' : `${value.toLocaleString()} ms`);
  const count = (value: number | null) => (value === null ? '?' : value.toLocaleString());
  const tokens = r.inputTokens === null && r.outputTokens === null ? '' : `${count(r.inputTokens)} in, ${count(r.outputTokens)} out${r.cacheReadTokens ? `, ${count(r.cacheReadTokens)} of them from the cache` : ''}`;
  const rows: [string, string][] = [
    ['Ended as', `${r.status}${r.error ? `: ${r.error}` : ''}`],
    ['When', new Date(r.at).toLocaleString()],
    ['Model', r.servedModel && r.servedModel !== r.model ? `${r.model}, ${r.status < 400 ? 'served' : 'tried'} as ${r.servedModel}` : r.model],
    [r.status < 400 ? 'Served by' : 'Tried last', r.connectionName ? `${r.provider}/${r.connectionName}` : ''],
    ['Took', `${ms(r.durationMs)}${r.firstByteMs === null ? '' : `, the first word after ${ms(r.firstByteMs)}`}`],
    ['Tokens', tokens],
    ['Credits', r.credits === null ? '' : r.credits.toLocaleString(undefined, { maximumFractionDigits: 5 })],
    ['Asked by', r.caller],
    ['Trace', r.traceId ?? ''],
  ];
  return rows.filter(([, value]) => value);
}

const scrolled = { overflow: 'auto', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' } as const;

function Details({ entry, close }: { entry: Entry; close: () => void }) {
  const whole = useQuery({ queryKey: ['request', entry.requestId, entry.id], queryFn: () => get<Entry & { content: Said | null; contentKept: boolean }>(`/api/requests/${id(String(entry.id ?? entry.requestId))}`) });
  const said = whole.data?.content;
  const attempts = entry.attempts as Attempt[];
  return (
    <Modal opened onClose={close} size="xl" title={`Request ${entry.requestId}`}>
      <Stack gap="sm">
        <dl className="facts">
          {facts(entry).map(([name, value]) => <div key={name}><dt>{name}</dt><dd className="wrap" dir="auto">{value}</dd></div>)}
          {attempts.length > 1 && (
            <div>
              <dt>Tried</dt>
              <dd>{attempts.map((a, i) => <div key={i} className="wrap">{a.provider}/{a.connection}: {a.ok ? 'answered' : (a.error ?? 'failed')}</div>)}</dd>
            </div>
          )}
        </dl>
        {whole.isLoading && <Text size="sm" c="dimmed">{texts.loading}</Text>}
        {whole.isError && <Alert color="red" p="xs">{whole.error.message}</Alert>}
        {whole.data && !said && <Text size="sm" c="dimmed">{whole.data.contentKept ? texts.contentGone : texts.contentOff}</Text>}
        {said && (
          <>
            <Text fw={600} size="sm">What was asked ({said.requestBytes.toLocaleString()} bytes)</Text>
            <Code block tabIndex={0} mah={360} style={scrolled} aria-label="What was asked" dir="auto">{readable(said.request)}</Code>
            <Text fw={600} size="sm">What was answered ({said.answerBytes.toLocaleString()} bytes)</Text>
            <Code block tabIndex={0} mah={360} style={scrolled} aria-label="What was answered" dir="auto">{said.answer || '-'}</Code>
          </>
        )}
        <details>
          <summary>Raw JSON</summary>
          <Code block tabIndex={0} mah={360} style={scrolled} aria-label="The record">{JSON.stringify(entry, null, 2)}</Code>
        </details>
      </Stack>
    </Modal>
  );
}
