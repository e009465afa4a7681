import { Anchor, Button, Card, Code, CopyButton, Group, List, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router-dom';
import { base, get } from '../api/client';
import { useCombos, useConnections, useHealth, useTokenHealth } from '../api/hooks';
import { hint } from '../components/Hint';
import { Loaded, Page } from '../components/Page';
import { State } from '../components/State';
import { Time } from '../components/Time';
import { WideTable } from '../components/WideTable';
import { texts } from '../texts';

interface UsageRow {
  day: string;
  connectionName: string;
  model: string;
  caller: string;
  requests: number;
  inputTokens: number;
  outputTokens: number;
  credits: number;
}

// How many of a kind stand here; all of them have a page of their own.
const most = 20;

function Figure({ label, value }: { label: string; value: string | number }) {
  return (
    <Card withBorder padding="md">
      <Text size="sm" c="dimmed">{label}</Text>
      <Text fz={28} fw={700}>{value}</Text>
    </Card>
  );
}

export function Overview() {
  const health = useHealth();
  const connections = useConnections();
  const combos = useCombos();
  const tokens = useTokenHealth();
  const usage = useQuery({ queryKey: ['usage'], queryFn: () => get<{ rows: UsageRow[] }>('/api/usage/summary'), refetchInterval: 30_000 });
  const endpoint = `${location.origin}${base}/v1`;
  const rows = usage.data?.rows ?? [];
  const sum = (pick: (row: UsageRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const attention = (connections.data ?? []).filter((c) => !['active', 'disabled'].includes(c.state.name));
  const expiring = (tokens.data ?? []).filter((t) => t.registration && t.registration.level !== 'ok');

  return (
    <Page title="Overview" intro="What is served, by whom, and what needs you.">
      <Card withBorder>
        <Group justify="space-between">
          <div>
            <Text size="sm" c="dimmed">The address for your tools (OpenAI and Anthropic clients)</Text>
            <Code fz="md">{endpoint}</Code>
          </div>
          <CopyButton value={endpoint}>{({ copied, copy }) => <Button variant="light" onClick={copy}>{copied ? texts.copied : 'Copy'}</Button>}</CopyButton>
        </Group>
      </Card>

      <Loaded query={connections}>
        {(all) =>
          all.length === 0 ? (
            <Card withBorder>
              <Stack align="flex-start">
                <Text fw={600}>Three steps to start</Text>
                <List type="ordered" size="sm">
                  <List.Item><Anchor component={Link} to="/providers/add">Add an account</Anchor>; each gets a client registration of its own, so none logs another out.</List.Item>
                  <List.Item>Add a second one, and <Anchor component={Link} to="/combos">make a combo</Anchor> of both.</List.Item>
                  <List.Item>Point your tool at the address above, with the combo's name as model; or <Anchor component={Link} to="/playground">try it here</Anchor>.</List.Item>
                </List>
                <Button component={Link} to="/providers/add">Add an account</Button>
              </Stack>
            </Card>
          ) : (
            <>
              <SimpleGrid cols={{ base: 2, md: 4 }}>
                <Figure label="Accounts ready" value={`${all.filter((c) => c.state.name === 'active').length} of ${all.length}`} />
                <Figure label="Combos" value={combos.data?.length ?? '-'} />
                <Figure label="Requests" value={usage.data ? sum((r) => r.requests).toLocaleString() : '-'} />
                <Figure label="Credits" value={usage.data ? sum((r) => r.credits).toFixed(2) : '-'} />
              </SimpleGrid>
              <Card withBorder>
                <Text fw={600} mb="xs">Needs attention</Text>
                {attention.length + expiring.length === 0 ? (
                  <Text size="sm" c="dimmed">Nothing. All accounts are signed in.</Text>
                ) : (
                  <Stack gap="xs">
                    {attention.slice(0, most).map((c) => (
                      <Group key={c.id} gap="sm">
                        <Anchor component={Link} to={`/providers?show=${c.id}`} className="wrap">{c.provider}/{c.name}</Anchor>
                        <State name={c.state.name} reason={c.state.reason} />
                        <Text size="sm" className="wrap">{c.state.reason}</Text>
                        {c.state.until && <Text size="sm" c="dimmed">back <Time at={c.state.until} /></Text>}
                      </Group>
                    ))}
                    {attention.length > most && <Anchor component={Link} to="/providers?state=attention" size="sm">All {attention.length}</Anchor>}
                    {expiring.slice(0, most).map((t) => (
                      <Text size="sm" key={t.connectionId}>
                        The registration of <Anchor component={Link} to={`/providers?show=${t.connectionId}`}>{t.provider}/{t.name}</Anchor> ends in {t.registration?.daysLeft} days.
                      </Text>
                    ))}
                    {expiring.length > most && <Anchor component={Link} to="/health" size="sm">All {expiring.length} registrations that end</Anchor>}
                  </Stack>
                )}
              </Card>
            </>
          )
        }
      </Loaded>

      {rows.length > 0 && (
        <Card withBorder>
          <Text fw={600} mb="xs">Use by day</Text>
          <WideTable label="Use by day" width={760}>
              <Table.Thead><Table.Tr><Table.Th>Day</Table.Th><Table.Th>Account</Table.Th><Table.Th>Model</Table.Th><Table.Th>Asked by</Table.Th><Table.Th ta="right">Requests</Table.Th><Table.Th ta="right">Tokens in</Table.Th><Table.Th ta="right">Tokens out</Table.Th><Table.Th ta="right">Credits</Table.Th></Table.Tr></Table.Thead>
              <Table.Tbody>
                {rows.slice(0, 30).map((row, index) => (
                  <Table.Tr key={index}>
                    <Table.Td style={{ whiteSpace: 'nowrap' }}>{row.day}</Table.Td><Table.Td className="wrap">{row.connectionName || '-'}</Table.Td>
                    <Table.Td className="wrap">{row.model || <span className="faint" {...hint('No account was asked: nothing of that name, not allowed, or nobody could.')}>refused</span>}</Table.Td>
                    <Table.Td className="wrap">{row.caller.replace(/^key:/, '') || <span className="faint">no key</span>}</Table.Td>
                    <Table.Td ta="right">{row.requests.toLocaleString()}</Table.Td><Table.Td ta="right">{row.inputTokens.toLocaleString()}</Table.Td>
                    <Table.Td ta="right">{row.outputTokens.toLocaleString()}</Table.Td><Table.Td ta="right">{row.credits.toFixed(2)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </WideTable>
        </Card>
      )}
      {health.data && <Text size="sm" c="dimmed">Running for {Math.floor(health.data.uptimeSeconds / 3600)} h {Math.floor((health.data.uptimeSeconds % 3600) / 60)} min.</Text>}
    </Page>
  );
}
