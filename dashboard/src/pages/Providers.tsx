// The accounts: what each is, how long it lasts, and everything that can be done to it.
import { ActionIcon, Alert, Anchor, Button, Code, CopyButton, Group, Menu, Modal, Portal, Progress, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconDots, IconInfoCircle, IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { memo, useCallback, useDeferredValue, useMemo, useState, type ReactNode } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router-dom';
import { call, get, id, type Connection, type Schemas } from '../api/client';
import { complain, errorAt, post, say, useChange, useCombos, useConnections, useProxies, useProxyAssignments, useTokenHealth } from '../api/hooks';
import { accountsOf } from '../api/reach';
import { useGrowing } from '../components/growing';
import { hint } from '../components/Hint';
import { Loaded, Nothing, Page } from '../components/Page';
import { Isolation, State } from '../components/State';
import { Time } from '../components/Time';
import { texts } from '../texts';
import { Export, Import } from './Transfer';

type Dialog = { kind: 'raw' | 'rename' | 'delete' | 'usage' | 'proxy'; connection: Connection };
type TestResult = Schemas['TestResult'];
type Assignment = Schemas['ProxyAssignment'];
type Life = Schemas['TokenHealth']['connections'][number];
interface Opened { connection: Connection; button: HTMLElement }

const path = (c: Connection) => `/api/providers/${id(c.id)}`;
const time = (text?: string) => (text && /^\d+$/.test(text) && text !== '0' ? Number(text) : undefined);
const calm = ['active', 'disabled'];

export default function Providers() {
  const connections = useConnections();
  const health = useTokenHealth();
  const assignments = useProxyAssignments();
  const navigate = useNavigate();
  const [query, setQuery] = useSearchParams();
  const [search, setSearch] = useState('');
  const [dialog, setDialog] = useState<Dialog>();
  const [moving, setMoving] = useState<'in' | 'out'>();
  const [menu, setMenu] = useState<Opened>();
  const [tested, setTested] = useState<{ connection: Connection; result: TestResult }>();
  const keys = ['connections', 'token-health', 'combos'];

  const refresh = useChange((c: Connection) => post(`${path(c)}/refresh`), keys, (_, c) => say(`${c.name} has a new token.`));
  const test = useChange((c: Connection) => post<TestResult>(`${path(c)}/test`), keys, (result, connection) => setTested({ connection, result }));
  const active = useChange(({ c, on }: { c: Connection; on: boolean }) => call('PATCH', path(c), { isActive: on }), keys, (_, { c, on }) => say(`${c.name} is ${on ? 'enabled' : 'disabled'}.`));
  const isolate = useChange((c: Connection) => post<{ isolation?: string; isolationReason?: string; signInNeeded?: boolean }>(`${path(c)}/isolate`), keys, (result, c) => {
    if (result.signInNeeded) reauthorise(c);
    else say(`${c.name}: ${texts.isolation[result.isolation ?? '']?.name ?? result.isolation}. ${result.isolationReason ?? ''}`);
  });
  const reauthorise = useCallback((c: Connection) => navigate(`/providers/add?provider=${id(c.provider)}&replace=${id(c.id)}`), [navigate]);

  const shown = query.get('show');
  const state = query.get('state') ?? '';
  const all = connections.data ?? [];
  // What is typed stands there at once; the list follows when there is time.
  const wanted = useDeferredValue(search).toLowerCase();
  const visible = useMemo(
    () => all.filter((c) => (!shown || c.id === shown) && (!state || (state === 'attention' ? !calm.includes(c.state.name) : c.state.name === state)) && `${c.provider}/${c.name} ${c.email ?? ''}`.toLowerCase().includes(wanted)),
    [all, shown, state, wanted]);
  const lives = useMemo(() => new Map(health.data?.map((h) => [h.connectionId, h])), [health.data]);
  const assigned = useMemo(() => new Map(assignments.data?.map((a) => [`${a.scope}/${a.scopeId ?? ''}`, a])), [assignments.data]);
  const { count, end, restart } = useGrowing(visible.length);
  const filtered = visible.length < all.length;
  const choose = (value: string | null) => { restart(); setQuery(value ? { state: value } : {}); };

  return (
    <Page
      title="Providers"
      intro="Every account keeps its own session. An isolated one cannot be logged out by another."
      actions={
        <>
          <Button variant="default" px="sm" onClick={() => setMoving('in')}>Import a file…</Button>
          {all.length > 0 && <Button variant="default" px="sm" onClick={() => setMoving('out')}>Export accounts…</Button>}
          <Button component={Link} to="/providers/add" leftSection={<IconPlus size={16} />}>Add provider</Button>
        </>
      }
    >
      <Loaded query={connections}>
        {() =>
          all.length === 0 ? (
            <Nothing title="No account yet"><Button component={Link} to="/providers/add">Add the first one</Button></Nothing>
          ) : (
            <>
              {(all.length > 5 || shown || state) && (
                <Group>
                  <TextInput placeholder="Search by name or e-mail" aria-label="Search" value={search} onChange={(e) => { restart(); setSearch(e.currentTarget.value); }} w={260} />
                  <Select aria-label="State" value={state} onChange={choose} allowDeselect={false} w={200}
                    data={[{ value: '', label: 'Any state' }, { value: 'attention', label: 'Needs attention' }, ...Object.entries(texts.states).map(([value, label]) => ({ value, label }))]} />
                  <Text size="sm" c="dimmed" role="status">{filtered ? `${visible.length} of ${all.length}` : `${all.length} accounts`}</Text>
                  {(filtered || shown || state) && <Button variant="subtle" onClick={() => { setSearch(''); choose(null); }}>Show all</Button>}
                </Group>
              )}
              {visible.length === 0 && <Nothing title="No account is like that" />}
              <Stack gap="sm">
                {visible.slice(0, count).map((c) => <Account key={c.id} connection={c} life={lives.get(c.id)} proxy={proxyOf(assigned, c)} opened={menu?.connection.id === c.id} setDialog={setDialog} setMenu={setMenu} reauthorise={reauthorise} />)}
                {end}
              </Stack>
            </>
          )
        }
      </Loaded>
      {menu && (
        <Actions of={menu} close={() => { setMenu(undefined); menu.button.focus(); }}>
          {(c) => (
            <>
              <Menu.Item data-autofocus onClick={() => test.mutate(c)}>Test</Menu.Item>
              <Menu.Item onClick={() => refresh.mutate(c)}>Refresh the token</Menu.Item>
              <Menu.Item onClick={() => setDialog({ kind: 'usage', connection: c })}>Credits</Menu.Item>
              <Menu.Item onClick={() => setDialog({ kind: 'proxy', connection: c })}>Proxy</Menu.Item>
              <Menu.Item component={Link} to={`/audit?connection=${id(c.id)}`}>History</Menu.Item>
              <Menu.Item onClick={() => setDialog({ kind: 'rename', connection: c })}>Rename</Menu.Item>
              {!['dedicated', 'none_needed'].includes(String(c.providerSpecificData.isolation)) && <Menu.Item onClick={() => isolate.mutate(c)}>Isolate</Menu.Item>}
              {c.state.name !== 'suspended' && <Menu.Item onClick={() => reauthorise(c)}>Sign in again</Menu.Item>}
              <Menu.Item onClick={() => active.mutate({ c, on: !c.isActive })}>{c.isActive ? 'Disable' : 'Enable'}</Menu.Item>
              <Menu.Item c="red" onClick={() => setDialog({ kind: 'delete', connection: c })}>Delete</Menu.Item>
            </>
          )}
        </Actions>
      )}
      {dialog?.kind === 'raw' && <Raw connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'rename' && <Rename connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'delete' && <Delete connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'usage' && <Usage connection={dialog.connection} close={() => setDialog(undefined)} />}
      {dialog?.kind === 'proxy' && <ProxyChoice connection={dialog.connection} close={() => setDialog(undefined)} />}
      {moving === 'out' && <Export close={() => setMoving(undefined)} />}
      {moving === 'in' && <Import close={() => setMoving(undefined)} />}
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

// The nearest assignment decides, as in the service.
const proxyOf = (assigned: Map<string, Assignment>, c: Connection) =>
  assigned.get(`connection/${c.id}`) ?? assigned.get(`provider/${c.provider}`) ?? assigned.get('global/');

function Proxied({ by: assignment }: { by?: Assignment }) {
  if (!assignment) return null;
  if (assignment.missing) return <span className="warn">its proxy was removed: calls fail</span>;
  if (assignment.proxyId === 'direct') return <span className="faint">direct, no proxy</span>;
  return <span className="faint wrap" dir="auto">through {assignment.proxyName}</span>;
}

// One account of the list. There may be hundreds, so it is plain markup, drawn anew only when the account changes.
const Account = memo(function Account({ connection: c, life, proxy, opened, setDialog, setMenu, reauthorise }: {
  connection: Connection; life?: Life; proxy?: Assignment; opened: boolean;
  setDialog: (dialog: Dialog) => void; setMenu: (menu: Opened) => void; reauthorise: (c: Connection) => void;
}) {
  const data = c.providerSpecificData as Record<string, string>;
  const days = life?.registration?.daysLeft;
  return (
    <article className="account" aria-label={`${c.provider}/${c.name}`}>
      <div className="account-text">
        <div className="line">
          <span className="account-name wrap" dir="auto">{c.name}</span>
          <span className="faint">{c.provider}</span>
          <State name={c.state.name} reason={c.state.reason} />
          <Isolation value={data.isolation} reason={data.isolationReason} />
        </div>
        <div className="line">
          {c.email && <span className="wrap" dir="auto">{c.email}</span>}
          {data.region && <span className="faint">{data.region}</span>}
          <span className="faint">token <Time at={life?.tokenExpiresAt ?? time(data.expiresAt)} none="does not expire" /></span>
          {days !== null && days !== undefined && (
            <span className={life?.registration?.level === 'ok' ? 'faint' : 'warn'}>registration {days} days left</span>
          )}
          <Proxied by={proxy} />
          <Quota of={life?.quota} usedUp={c.state.name === 'exhausted'} />
        </div>
        {c.state.name !== 'active' && c.state.reason && (
          <div className="wrap">{c.state.reason}{c.state.until && <> - back <Time at={c.state.until} /></>}</div>
        )}
        {c.state.name === 'reauth_required' && (
          <div><Anchor component="button" ta="left" size="sm" onClick={() => reauthorise(c)}>Sign in again, in place</Anchor></div>
        )}
        {c.state.name === 'suspended' && <div className="faint">{texts.suspended(c.provider)}</div>}
        {c.samePersonAs && <div className="faint">{`The same person as ${c.samePersonAs.join(', ')}: they share one quota.`}</div>}
      </div>
      <ActionIcon variant="subtle" aria-label={`Raw JSON of ${c.name}`} {...hint('Raw JSON')} onClick={() => setDialog({ kind: 'raw', connection: c })}><IconInfoCircle size={18} /></ActionIcon>
      <ActionIcon variant="subtle" aria-label={`Actions for ${c.name}`} aria-haspopup="menu" aria-expanded={opened} onClick={(e) => setMenu({ connection: c, button: e.currentTarget })}><IconDots size={18} /></ActionIcon>
    </article>
  );
});

// What is left, by the service's last reading. A provider that says since then that nothing is left knows better.
function Quota({ of: quota, usedUp }: { of?: Life['quota']; usedUp: boolean }) {
  if (!quota || quota.limit === null || quota.limit <= 0) return null;
  const read = Math.max(0, quota.limit - quota.used);
  const left = usedUp ? 0 : read;
  const number = (value: number) => value.toLocaleString(undefined, { maximumFractionDigits: 1 });
  const low = left < quota.limit / 10 && (usedUp || !quota.unlimited);
  const more = [quota.unlimited && !usedUp && 'Overage is on: it goes on when they are used up.', quota.resetsAt && `They return ${new Date(quota.resetsAt).toLocaleString()}.`].filter(Boolean).join(' ');
  return (
    <span className={low ? 'line warn' : 'line faint'} {...hint(more)}>
      <meter className="quota" min={0} max={quota.limit} value={left} low={quota.limit / 10} aria-hidden />
      {read > left ? <span>no credits left; the reading <Time at={quota.takenAt} /> still had {number(read)} of {number(quota.limit)}</span> : `${number(left)} of ${number(quota.limit)} credits left`}
    </span>
  );
}

// The menu of the account whose button was pressed: one for the whole list, laid over that button.
function Actions({ of, close, children }: { of: Opened; close: () => void; children: (c: Connection) => ReactNode }) {
  const [box] = useState(() => of.button.getBoundingClientRect());
  return (
    <Menu opened onChange={(open) => { if (!open) close(); }} position="bottom-end" withinPortal returnFocus={false} withInitialFocusPlaceholder={false}>
      <Portal>
        <Menu.Target>
          <div role="button" tabIndex={-1} aria-label={`Actions for ${of.connection.name}`} style={{ position: 'absolute', left: box.left + window.scrollX, top: box.top + window.scrollY, width: box.width, height: box.height, cursor: 'pointer' }} />
        </Menu.Target>
      </Portal>
      <Menu.Dropdown>{children(of.connection)}</Menu.Dropdown>
    </Menu>
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
  const rename = useChange((to: string) => call('PATCH', path(connection), { name: to }), ['connections', 'combos'], close, ['name']);
  return (
    <Modal opened onClose={close} title={`Rename ${connection.name}`}>
      <form onSubmit={(e) => { e.preventDefault(); rename.mutate(name.trim()); }}>
        <Stack>
          <TextInput label="Name" error={errorAt(rename.error, 'name')} errorProps={{ role: 'alert' }} description="What combos and clients call it. Combos follow by themselves." value={name} maxLength={100} onChange={(e) => setName(e.currentTarget.value)} data-autofocus required />
          <Button type="submit" loading={rename.isPending} disabled={!name.trim() || name.trim() === connection.name}>Rename</Button>
        </Stack>
      </form>
    </Modal>
  );
}

function Delete({ connection, close }: DialogProps) {
  const combos = useCombos();
  const connections = useConnections();
  const world = { combos: combos.data ?? [], connections: connections.data ?? [] };
  const used = world.combos.map((combo) => ({ name: combo.name, by: accountsOf(combo, world) })).filter(({ by }) => by.some((c) => c.id === connection.id));
  const dead = used.filter(({ by }) => by.every((c) => c.id === connection.id));
  const names = (list: typeof used) => list.map((c) => c.name).sort().join(', ');
  const remove = useChange(() => call('DELETE', path(connection)), ['connections', 'combos', 'token-health'], () => { say(`${connection.name} is deleted.`); close(); });
  return (
    <Modal opened onClose={close} title={`Delete ${connection.name}?`}>
      <Stack>
        <Text size="sm">Its tokens and its client registration are forgotten. It has to be signed in anew to come back.</Text>
        {used.length > 0 && <Alert color="orange" className="wrap">Used by {names(used)}. {dead.length > 0 ? `Nothing else is left in ${names(dead)}: requests for ${dead.length > 1 ? 'them' : 'it'} will fail.` : 'The other targets serve on.'}</Alert>}
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
