// The accounts: what each is, how long it lasts, and everything that can be done to it.
import { ActionIcon, Alert, Anchor, Button, Card, Code, CopyButton, Group, Menu, Modal, Progress, Select, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { IconDots, IconInfoCircle, IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router-dom';
import { call, get, id, type Connection, type Schemas } from '../api/client';
import { complain, post, say, useChange, useCombos, useConnections, useProxies, useTokenHealth } from '../api/hooks';
import { Loaded, Nothing, Page } from '../components/Page';
import { Isolation, State } from '../components/State';
import { Time } from '../components/Time';
import { texts } from '../texts';

type Dialog = { kind: 'raw' | 'rename' | 'delete' | 'usage' | 'proxy'; connection: Connection };
type TestResult = Schemas['TestResult'];

const path = (c: Connection) => `/api/providers/${id(c.id)}`;
const time = (text?: string) => (text && /^\d+$/.test(text) && text !== '0' ? Number(text) : undefined);

export default function Providers() {
  const connections = useConnections();
  const health = useTokenHealth();
  const navigate = useNavigate();
  const [query, setQuery] = useSearchParams();
  const [search, setSearch] = useState('');
  const [dialog, setDialog] = useState<Dialog>();
  const [tested, setTested] = useState<{ connection: Connection; result: TestResult }>();
  const keys = ['connections', 'token-health', 'combos'];

  const refresh = useChange((c: Connection) => post(`${path(c)}/refresh`), keys, (_, c) => say(`${c.name} has a new token.`));
  const test = useChange((c: Connection) => post<TestResult>(`${path(c)}/test`), keys, (result, connection) => setTested({ connection, result }));
  const active = useChange(({ c, on }: { c: Connection; on: boolean }) => call('PATCH', path(c), { isActive: on }), keys, (_, { c, on }) => say(`${c.name} is ${on ? 'enabled' : 'disabled'}.`));
  const isolate = useChange((c: Connection) => post<{ isolation?: string; isolationReason?: string; signInNeeded?: boolean }>(`${path(c)}/isolate`), keys, (result, c) => {
    if (result.signInNeeded) reauthorise(c);
    else say(`${c.name}: ${texts.isolation[result.isolation ?? '']?.name ?? result.isolation}. ${result.isolationReason ?? ''}`);
  });
  const reauthorise = (c: Connection) => navigate(`/providers/add?provider=${id(c.provider)}&replace=${id(c.id)}`);

  const shown = query.get('show');
  const visible = (all: Connection[]) =>
    all.filter((c) => (!shown || c.id === shown) && `${c.provider}/${c.name} ${c.email ?? ''}`.toLowerCase().includes(search.toLowerCase()));
  const shown_rows = 200;

  return (
    <Page
      title="Providers"
      intro="Every account keeps its own session. An isolated one cannot be logged out by another."
      actions={<Button component={Link} to="/providers/add" leftSection={<IconPlus size={16} />}>Add provider</Button>}
    >
      <Loaded query={connections}>
        {(all) =>
          all.length === 0 ? (
            <Nothing title="No account yet"><Button component={Link} to="/providers/add">Add the first one</Button></Nothing>
          ) : (
            <>
              {(all.length > 5 || shown) && (
                <Group>
                  <TextInput placeholder="Search by name or e-mail" aria-label="Search" value={search} onChange={(e) => setSearch(e.currentTarget.value)} w={260} />
                  {shown && <Button variant="subtle" onClick={() => setQuery({})}>Show all {all.length}</Button>}
                </Group>
              )}
              <Stack gap="sm">
                {visible(all).slice(0, shown_rows).map((c) => {
                  const data = c.providerSpecificData as Record<string, string>;
                  const life = health.data?.find((h) => h.connectionId === c.id);
                  const days = life?.registration?.daysLeft;
                  return (
                    <Card withBorder key={c.id} padding="md" component="article" aria-label={`${c.provider}/${c.name}`}>
                      <Group justify="space-between" wrap="nowrap" align="flex-start">
                        <Stack gap={6} miw={0}>
                          <Group gap="xs">
                            <Text fw={600} className="wrap" dir="auto">{c.name}</Text>
                            <Text size="sm" c="dimmed">{c.provider}</Text>
                            <State name={c.state.name} reason={c.state.reason} />
                            <Isolation value={data.isolation} reason={data.isolationReason} />
                          </Group>
                          <Group gap="md">
                            {c.email && <Text size="sm" className="wrap" dir="auto">{c.email}</Text>}
                            {data.region && <Text size="sm" c="dimmed">{data.region}</Text>}
                            <Text size="sm" c="dimmed">token <Time at={life?.tokenExpiresAt ?? time(data.expiresAt)} none="does not expire" /></Text>
                            {days !== null && days !== undefined && (
                              <Text size="sm" c={life?.registration?.level === 'ok' ? 'dimmed' : 'orange'}>registration {days} days left</Text>
                            )}
                          </Group>
                          {c.state.name !== 'active' && c.state.reason && (
                            <Text size="sm" className="wrap">
                              {c.state.reason}
                              {c.state.until && <> - back <Time at={c.state.until} /></>}
                            </Text>
                          )}
                          {['reauth_required', 'suspended'].includes(c.state.name) && (
                            <Anchor component="button" ta="left" size="sm" onClick={() => reauthorise(c)}>Sign in again, in place</Anchor>
                          )}
                        </Stack>
                        <Group gap={4} wrap="nowrap">
                          <Tooltip label="Raw JSON">
                            <ActionIcon variant="subtle" aria-label={`Raw JSON of ${c.name}`} onClick={() => setDialog({ kind: 'raw', connection: c })}><IconInfoCircle size={18} /></ActionIcon>
                          </Tooltip>
                          <Menu position="bottom-end" withinPortal>
                            <Menu.Target><ActionIcon variant="subtle" aria-label={`Actions for ${c.name}`}><IconDots size={18} /></ActionIcon></Menu.Target>
                            <Menu.Dropdown>
                              <Menu.Item onClick={() => test.mutate(c)}>Test</Menu.Item>
                              <Menu.Item onClick={() => refresh.mutate(c)}>Refresh the token</Menu.Item>
                              <Menu.Item onClick={() => setDialog({ kind: 'usage', connection: c })}>Credits</Menu.Item>
                              <Menu.Item onClick={() => setDialog({ kind: 'proxy', connection: c })}>Proxy</Menu.Item>
                              <Menu.Item onClick={() => setDialog({ kind: 'rename', connection: c })}>Rename</Menu.Item>
                              {data.isolation !== 'dedicated' && data.isolation !== 'none_needed' && <Menu.Item onClick={() => isolate.mutate(c)}>Isolate</Menu.Item>}
                              <Menu.Item onClick={() => reauthorise(c)}>Sign in again</Menu.Item>
                              <Menu.Item onClick={() => active.mutate({ c, on: !c.isActive })}>{c.isActive ? 'Disable' : 'Enable'}</Menu.Item>
                              <Menu.Item color="red" onClick={() => setDialog({ kind: 'delete', connection: c })}>Delete</Menu.Item>
                            </Menu.Dropdown>
                          </Menu>
                        </Group>
                      </Group>
                    </Card>
                  );
                })}
                {visible(all).length > shown_rows && <Text c="dimmed" size="sm">{visible(all).length - shown_rows} more; search to find them.</Text>}
              </Stack>
            </>
          )
        }
      </Loaded>
      {dialog?.kind === 'raw' && <Raw connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'rename' && <Rename connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'delete' && <Delete connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'usage' && <Usage connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'proxy' && <ProxyChoice connection={dialog.connection} close={() => setDialog(undefined)} />}
      {tested && (
        <Modal opened onClose={() => setTested(undefined)} title={`Test of ${tested.connection.name}`}>
          <Stack gap="sm">
            <Alert color={tested.result.valid ? 'teal' : 'red'} title={tested.result.valid ? 'It works' : 'It does not work'}>{tested.result.diagnosis.message}</Alert>
            {tested.result.checks.map((check) => (
              <Group key={check.name} gap="xs" wrap="nowrap" align="flex-start">
                <Text c={check.ok ? 'teal' : 'red'} fw={700}>{check.ok ? 'ok' : 'no'}</Text>
                <div><Text size="sm" fw={600}>{check.name}</Text><Text size="sm" className="wrap">{check.message}</Text></div>
              </Group>
            ))}
            <Text size="xs" c="dimmed">{tested.result.latencyMs} ms</Text>
          </Stack>
        </Modal>
      )}
    </Page>
  );
}

interface DialogProps { connection: Connection; close: () => void }

function Raw({ connection, close }: DialogProps) {
  const raw = useQuery({ queryKey: ['connections', connection.id], queryFn: () => get<Connection>(path(connection)) });
  return (
    <Modal opened onClose={close} size="xl" title={`${connection.provider}/${connection.name}`}>
      <Loaded query={raw}>
        {(data) => {
          const text = JSON.stringify(data, null, 2);
          return (
            <Stack>
              <Text size="sm" c="dimmed">Secrets are masked; they never leave the service.</Text>
              <Code block mah={480} style={{ overflow: 'auto' }} tabIndex={0}>{text}</Code>
              <CopyButton value={text}>{({ copied, copy }) => <Button variant="light" onClick={copy}>{copied ? texts.copied : 'Copy'}</Button>}</CopyButton>
            </Stack>
          );
        }}
      </Loaded>
    </Modal>
  );
}

function Rename({ connection, close }: DialogProps) {
  const [name, setName] = useState(connection.name);
  const rename = useChange((to: string) => call('PATCH', path(connection), { name: to }), ['connections', 'combos'], close);
  return (
    <Modal opened onClose={close} title={`Rename ${connection.name}`}>
      <form onSubmit={(e) => { e.preventDefault(); rename.mutate(name.trim()); }}>
        <Stack>
          <TextInput label="Name" description="What combos and clients call it. Combos follow by themselves." value={name} maxLength={100} onChange={(e) => setName(e.currentTarget.value)} data-autofocus required />
          <Button type="submit" loading={rename.isPending} disabled={!name.trim() || name.trim() === connection.name}>Rename</Button>
        </Stack>
      </form>
    </Modal>
  );
}

function Delete({ connection, close }: DialogProps) {
  const combos = useCombos();
  const mine = `${connection.provider}/${connection.name}`;
  const used = (combos.data ?? []).filter((combo) => combo.models.some((m) => m === mine || m.startsWith(`${mine}/`)));
  const remove = useChange(() => call('DELETE', path(connection)), ['connections', 'combos', 'token-health'], () => { say(`${connection.name} is deleted.`); close(); });
  return (
    <Modal opened onClose={close} title={`Delete ${connection.name}?`}>
      <Stack>
        <Text size="sm">Its tokens and its client registration are forgotten. It has to be signed in anew to come back.</Text>
        {used.length > 0 && <Alert color="orange">{`Used by ${used.map((c) => c.name).join(', ')}. ${used.some((c) => c.models.length === 1) ? 'A combo without another target cannot answer any more.' : 'The other targets serve on.'}`}</Alert>}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>Keep it</Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate(undefined)}>Delete</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

interface UsageItem { kind: string; limit: number | null; used: number | null; resetAt?: string | number | null; label?: string }

function Usage({ connection, close }: DialogProps) {
  const usage = useQuery({ queryKey: ['usage', connection.id], queryFn: () => get<{ plan?: string; items?: UsageItem[] }>(`${path(connection)}/usage`), staleTime: 30_000 });
  return (
    <Modal opened onClose={close} title={`Credits of ${connection.name}`}>
      <Loaded query={usage}>
        {(data) => (
          <Stack>
            {data.plan && <Text size="sm">Plan: {data.plan}</Text>}
            {(data.items ?? []).map((item, index) => (
              <div key={index}>
                <Group justify="space-between"><Text size="sm" fw={600}>{item.label ?? item.kind}</Text><Text size="sm">{item.used ?? '?'} of {item.limit ?? '?'}</Text></Group>
                {item.limit ? <Progress value={Math.min(100, (100 * (item.used ?? 0)) / item.limit)} color={(item.used ?? 0) / item.limit > 0.9 ? 'orange' : 'indigo'} aria-label={`${item.label ?? item.kind} used`} /> : null}
                {item.resetAt && <Text size="xs" c="dimmed">resets <Time at={item.resetAt} /></Text>}
              </div>
            ))}
            {!data.items?.length && <Text size="sm" c="dimmed">The provider reports no limits for this account.</Text>}
          </Stack>
        )}
      </Loaded>
    </Modal>
  );
}

function ProxyChoice({ connection, close }: DialogProps) {
  const client = useQueryClient();
  const proxies = useProxies();
  const choice = useQuery({ queryKey: ['proxies', 'resolve', connection.id], queryFn: () => get<{ level: string; explanation: string; usable: boolean; error: string | null; proxy: { id: string } | null }>(`/api/proxies/resolve?connection=${id(connection.id)}`) });
  const own = choice.data?.level === 'connection' ? (choice.data.proxy?.id ?? 'direct') : '';
  const assign = async (value: string | null) => {
    try {
      if (value) await call('PUT', '/api/proxies/assignments', { scope: 'connection', scopeId: connection.id, proxyId: value });
      else await call('DELETE', `/api/proxies/assignments?scope=connection&scopeId=${id(connection.id)}`);
      await client.invalidateQueries({ queryKey: ['proxies'] });
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Modal opened onClose={close} title={`Proxy of ${connection.name}`}>
      <Loaded query={proxies}>
        {(all) => (
          <Stack>
            <Select label="All calls of this account go through" value={own} onChange={(value) => assign(value || null)} allowDeselect={false}
              data={[{ value: '', label: 'What the provider or the service uses' }, { value: 'direct', label: 'Direct, no proxy' }, ...all.map((p) => ({ value: p.id, label: p.name }))]} />
            {choice.data && <Text size="sm">{choice.data.explanation}</Text>}
            {choice.data?.error && <Alert color="red">{choice.data.error}</Alert>}
            <Anchor component={Link} to="/settings" size="sm">Manage the proxies</Anchor>
          </Stack>
        )}
      </Loaded>
    </Modal>
  );
}
