// The request log, live. No content is in it, only what happened.
import { Badge, Button, Code, Group, Modal, SegmentedControl, Table, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { base, get, id } from '../api/client';
import { Loaded, Nothing, Page } from '../components/Page';
import { Time } from '../components/Time';
import { WideTable } from '../components/WideTable';

interface Entry {
  id: number | null; requestId: string; at: string; api: string; model: string; servedModel: string; connectionId: string; connectionName: string; provider: string;
  attempts: unknown[]; status: number; error: string | null; streamed: boolean; firstByteMs: number | null; durationMs: number; inputTokens: number | null; outputTokens: number | null; credits: number | null; caller: string;
}

export default function Requests() {
  const client = useQueryClient();
  const [status, setStatus] = useState('');
  const [connection, setConnection] = useState('');
  const [shown, setShown] = useState<Entry>();
  const filter = `limit=50${status ? `&status=${status}` : ''}${connection ? `&connection=${id(connection)}` : ''}`;
  const log = useInfiniteQuery({
    queryKey: ['requests', filter],
    queryFn: ({ pageParam }) => get<{ requests: Entry[]; nextBefore: number | null }>(`/api/requests?${filter}${pageParam ? `&before=${pageParam}` : ''}`),
    initialPageParam: 0,
    getNextPageParam: (page) => page.nextBefore ?? undefined,
  });
  useEffect(() => {
    const events = new EventSource(`${base}/api/requests/live`);
    let due: ReturnType<typeof setTimeout> | undefined;
    // Many at once are one look.
    events.addEventListener('request', () => { due ??= setTimeout(() => { due = undefined; void client.invalidateQueries({ queryKey: ['requests'] }); }, 700); });
    return () => { events.close(); clearTimeout(due); };
  }, [client]);
  const number = (value: number | null) => (value === null ? '-' : value.toLocaleString());
  return (
    <Page title="Requests" intro="Live. Who served what, how fast, for how many credits. What was said is not kept.">
      <Group>
        <SegmentedControl aria-label="Which" value={status} onChange={setStatus} data={[{ value: '', label: 'All' }, { value: 'ok', label: 'Served' }, { value: 'failed', label: 'Failed' }]} />
        <TextInput aria-label="Account" placeholder="Account" value={connection} onChange={(e) => setConnection(e.currentTarget.value)} />
      </Group>
      <Loaded query={log}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.requests);
          if (rows.length === 0) return <Nothing title="Nothing yet" />;
          return (
            <>
              <WideTable label="Requests" width={760}>
                  <Table.Thead><Table.Tr><Table.Th>When</Table.Th><Table.Th>Status</Table.Th><Table.Th>Model</Table.Th><Table.Th>Served by</Table.Th><Table.Th ta="right">First byte</Table.Th><Table.Th ta="right">Whole</Table.Th><Table.Th ta="right">Tokens</Table.Th><Table.Th ta="right">Credits</Table.Th><Table.Th /></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {rows.map((r) => (
                      <Table.Tr key={r.requestId}>
                        <Table.Td><Time at={r.at} /></Table.Td>
                        <Table.Td><Badge variant="light" color={r.status < 400 ? 'teal' : r.status < 500 ? 'orange' : 'red'}>{r.status}</Badge></Table.Td>
                        <Table.Td className="wrap">{r.model}</Table.Td><Table.Td className="wrap">{r.connectionName || '-'}</Table.Td>
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
      {shown && (
        <Modal opened onClose={() => setShown(undefined)} size="lg" title={`Request ${shown.requestId}`}>
          {shown.error && <Text mb="sm">{shown.error}</Text>}
          <Code block tabIndex={0}>{JSON.stringify(shown, null, 2)}</Code>
        </Modal>
      )}
    </Page>
  );
}
