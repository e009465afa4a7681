import { Alert, Badge, Card, Group, Stack, Table, Text } from '@mantine/core';
import { memo } from 'react';
import type { Schemas } from '../api/client';
import { useHealth, usePlugins, useTokenHealth } from '../api/hooks';
import { useGrowing } from '../components/growing';
import { Loaded, Nothing, Page } from '../components/Page';
import { Isolation, State } from '../components/State';
import { Time } from '../components/Time';
import { WideTable } from '../components/WideTable';

export default function HealthPage() {
  const health = useHealth();
  const tokens = useTokenHealth();
  const plugins = usePlugins();
  const { count, end } = useGrowing(tokens.data?.length ?? 0);
  return (
    <Page title="Health" intro="When each account was last checked, when it is checked next, and how long its token and registration last.">
      <Loaded query={health}>
        {(data) => <Alert color={data.status === 'ok' ? 'teal' : 'red'}>{data.status === 'ok' ? 'The service and its store answer.' : 'The store does not answer; see the log.'}</Alert>}
      </Loaded>
      <Card withBorder>
        <Text fw={600} mb="xs">Accounts</Text>
        <Loaded query={tokens}>
          {(all) =>
            all.length === 0 ? <Nothing title="No account yet" /> : (
              <>
              <WideTable label="Accounts" width={760}>
                  <Table.Thead><Table.Tr><Table.Th>Account</Table.Th><Table.Th>State</Table.Th><Table.Th>Isolation</Table.Th><Table.Th>Token ends</Table.Th><Table.Th>Registration ends</Table.Th><Table.Th>Last check</Table.Th><Table.Th>Next check</Table.Th><Table.Th>Last error</Table.Th></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {all.slice(0, count).map((t) => <Account key={t.connectionId} of={t} />)}
                  </Table.Tbody>
                </WideTable>
                {end}
              </>
            )
          }
        </Loaded>
      </Card>
      <Card withBorder>
        <Text fw={600} mb="xs">Plugins</Text>
        <Loaded query={plugins}>
          {(all) => (
            <Stack gap="xs">
              {all.map((p) => (
                <Group key={p.id + p.file} gap="sm">
                  <Badge tt="none" color={p.status === 'loaded' ? 'teal' : 'red'} variant="light">{p.status}</Badge>
                  <Text size="sm" fw={600}>{p.name || p.id}</Text><Text size="sm" c="dimmed">{p.version}</Text>
                  {p.reason && <Text size="sm" className="wrap">{p.reason}</Text>}
                </Group>
              ))}
            </Stack>
          )}
        </Loaded>
      </Card>
    </Page>
  );
}

const Account = memo(function Account({ of: t }: { of: Schemas['TokenHealth']['connections'][number] }) {
  return (
    <Table.Tr>
      <Table.Td className="wrap">{t.provider}/{t.name}</Table.Td><Table.Td>{t.state && <State name={t.state.name} reason={t.state.reason} />}</Table.Td><Table.Td><Isolation value={t.isolation} reason={t.isolationReason} /></Table.Td>
      <Table.Td><Time at={t.tokenExpiresAt} /></Table.Td>
      <Table.Td>{t.registration?.daysLeft === null || t.registration?.daysLeft === undefined ? '-' : <Text span inherit c={{ ok: undefined, soon: 'orange', urgent: 'red', expired: 'red' }[t.registration.level ?? 'ok']}>{t.registration.daysLeft} days</Text>}</Table.Td>
      <Table.Td><Time at={t.lastCheckAt} /></Table.Td><Table.Td><Time at={t.nextCheckAt} /></Table.Td><Table.Td className="wrap told">{t.lastError ?? '-'}</Table.Td>
    </Table.Tr>
  );
});
