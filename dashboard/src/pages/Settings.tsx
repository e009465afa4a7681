// Proxies, webhooks, backup, the admin password, and what this service is.
import { Alert, Anchor, Button, Card, FileInput, Group, Modal, PasswordInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call, get, id, request, type Proxy, type Schemas } from '../api/client';
import { complain, errorAt, post, say, useChange, useHealth, useProxies } from '../api/hooks';
import type { Session } from '../App';
import { Loaded, Nothing, Page } from '../components/Page';
import { download, isFit, NewPassphrase, noPassphrase } from '../components/Passphrase';
import { Webhooks } from './Webhooks';

export default function Settings() {
  return <Page title="Settings"><Proxies /><Webhooks /><Backup /><Password /><About /></Page>;
}

interface Tried { success: boolean; error: string | null; advice?: string; latencyMs: number; publicIp?: string | null }

function Proxies() {
  const client = useQueryClient();
  const proxies = useProxies();
  const assignments = useQuery({ queryKey: ['proxies', 'assignments'], queryFn: () => get<{ assignments: { scope: string; proxyId: string }[] }>('/api/proxies/assignments'), select: (d) => d.assignments });
  const [editing, setEditing] = useState<Proxy | 'new'>();
  const [doomed, setDoomed] = useState<Proxy>();
  const [tried, setTried] = useState<Record<string, Tried>>({});
  const test = useChange((p: Proxy) => post<Tried>(`/api/proxies/${id(p.id)}/test`), [], (result, p) => setTried((old) => ({ ...old, [p.id]: result })));
  const remove = useChange((p: Proxy) => call('DELETE', `/api/proxies/${id(p.id)}`), ['proxies'], (_, p) => say(`${p.name} is deleted.`));
  const global = assignments.data?.find((a) => a.scope === 'global')?.proxyId ?? '';
  const setGlobal = async (value: string | null) => {
    try {
      if (value) await call('PUT', '/api/proxies/assignments', { scope: 'global', proxyId: value });
      else if (global) await call('DELETE', '/api/proxies/assignments?scope=global');
      await client.invalidateQueries({ queryKey: ['proxies'] });
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Card withBorder component="section" aria-labelledby="proxies">
      <Group justify="space-between" mb="sm">
        <div><Text fw={600} id="proxies">Proxies</Text><Text size="sm" c="dimmed">For all accounts, one provider or one account. A call never goes around a proxy that fails.</Text></div>
        <Button size="xs" onClick={() => setEditing('new')}>Add a proxy</Button>
      </Group>
      <Loaded query={proxies}>
        {(all) => (
          <Stack gap="sm">
            {all.length === 0 && <Nothing title="No proxy; all calls go out directly" />}
            {all.map((p) => (
              <Stack key={p.id} gap={4}>
                <Group justify="space-between">
                  <div><Text fw={600} size="sm" className="wrap">{p.name}</Text><Text size="sm" c="dimmed" className="wrap">{p.url}{p.usedBy?.length ? `, used by ${p.usedBy.map((u) => u.label ?? u.scope).join(', ')}` : ', not used'}</Text></div>
                  <Group gap="xs">
                    <Button size="xs" variant="light" loading={test.isPending && test.variables?.id === p.id} onClick={() => test.mutate(p)}>Test</Button>
                    <Button size="xs" variant="default" onClick={() => setEditing(p)}>Edit</Button>
                    <Button size="xs" variant="subtle" color="red" onClick={() => setDoomed(p)}>Delete</Button>
                  </Group>
                </Group>
                {tried[p.id] && <Alert color={tried[p.id].success ? 'teal' : 'red'} role="status" p="xs">{tried[p.id].success ? `Works, ${tried[p.id].latencyMs} ms${tried[p.id].publicIp ? `, seen as ${tried[p.id].publicIp}` : ''}.` : `${tried[p.id].error} ${tried[p.id].advice ?? ''}`}</Alert>}
              </Stack>
            ))}
            {all.length > 0 && <Select maw={420} label="All accounts, unless something else is set for them" value={global} onChange={setGlobal} allowDeselect={false} data={[{ value: '', label: 'Direct' }, ...all.map((p) => ({ value: p.id, label: p.name }))]} />}
          </Stack>
        )}
      </Loaded>
      {editing && <ProxyForm proxy={editing === 'new' ? undefined : editing} close={() => setEditing(undefined)} />}
      {doomed && (
        <Modal opened onClose={() => setDoomed(undefined)} title={`Delete ${doomed.name}?`}>
          <Stack><Text size="sm">A proxy that is still assigned cannot be deleted; the service says what uses it.</Text><Group justify="flex-end"><Button variant="default" data-autofocus onClick={() => setDoomed(undefined)}>Keep it</Button><Button color="red" onClick={() => { remove.mutate(doomed); setDoomed(undefined); }}>Delete</Button></Group></Stack>
        </Modal>
      )}
    </Card>
  );
}

function ProxyForm({ proxy, close }: { proxy?: Proxy; close: () => void }) {
  const [name, setName] = useState(proxy?.name ?? '');
  const [type, setType] = useState<string>(proxy?.type ?? 'http');
  const [host, setHost] = useState(proxy?.host ?? '');
  const [port, setPort] = useState(proxy ? String(proxy.port) : '');
  const [username, setUsername] = useState(proxy?.username ?? '');
  const [password, setPassword] = useState('');
  const save = useChange(
    () => call(proxy ? 'PATCH' : 'POST', proxy ? `/api/proxies/${id(proxy.id)}` : '/api/proxies', { ...(name.trim() ? { name: name.trim() } : {}), type, host: host.trim(), ...(port ? { port: Number(port) } : {}), ...(username || proxy ? { username: username || null } : {}), ...(password ? { password } : {}) }),
    ['proxies'], () => { say('Saved.'); close(); }, ['host', 'port', 'username', 'password', 'name']);
  return (
    <Modal opened onClose={close} title={proxy ? `Edit ${proxy.name}` : 'Add a proxy'}>
      <form onSubmit={(e) => { e.preventDefault(); save.mutate(undefined); }}>
        <Stack>
          <Select label="Kind" value={type} allowDeselect={false} onChange={(v) => v && setType(v)} data={['http', 'https', 'socks5']} />
          <TextInput label="Host" error={errorAt(save.error, 'host')} errorProps={{ role: 'alert' }} value={host} required onChange={(e) => setHost(e.currentTarget.value)} data-autofocus />
          <TextInput label="Port" error={errorAt(save.error, 'port')} errorProps={{ role: 'alert' }} inputMode="numeric" value={port} onChange={(e) => setPort(e.currentTarget.value.replace(/\D/g, ''))} description="Left empty: 80, 443 or 1080" />
          <TextInput label="User" error={errorAt(save.error, 'username')} errorProps={{ role: 'alert' }} value={username} onChange={(e) => setUsername(e.currentTarget.value)} autoComplete="off" />
          <PasswordInput label="Password" error={errorAt(save.error, 'password')} errorProps={{ role: 'alert' }} value={password} onChange={(e) => setPassword(e.currentTarget.value)} autoComplete="new-password" description={proxy?.hasPassword ? 'One is stored; left empty, it stays.' : undefined} />
          <TextInput label="Name" error={errorAt(save.error, 'name')} errorProps={{ role: 'alert' }} value={name} maxLength={100} onChange={(e) => setName(e.currentTarget.value)} description="Left empty: host and port" />
          <Button type="submit" loading={save.isPending}>Save</Button>
        </Stack>
      </form>
    </Modal>
  );
}

function Backup() {
  const restore = useQuery({ queryKey: ['restore'], queryFn: () => get<Schemas['Restore']>('/api/restore'), refetchOnWindowFocus: true });
  const [passphrase, setPassphrase] = useState(noPassphrase);
  const [file, setFile] = useState<File | null>(null);
  const [secret, setSecret] = useState('');
  const save = useChange(async () => download(await request('POST', '/api/backup', { passphrase: passphrase.first }), 'backup'), [],
    () => { say('The backup is downloaded. Keep the passphrase: without it nobody can open the file.'); setPassphrase(noPassphrase); });
  const stage = useChange(async () => call<Schemas['Restore']>('POST', '/api/restore', { passphrase: secret, backup: await file!.text() }), ['restore'], () => { setFile(null); setSecret(''); });
  const cancel = useChange(() => call('DELETE', '/api/restore'), ['restore'], () => say('Nothing will be restored.'));
  const waiting = restore.data?.staged ? restore.data.backup : undefined;
  return (
    <Card withBorder component="section" aria-labelledby="backup">
      <Text fw={600} id="backup">Backup</Text>
      <Text size="sm" c="dimmed" mb="sm">Accounts with their tokens, combos, keys, proxies, settings and daily sums in one encrypted file, made while requests go on. The log of single requests is not in it.</Text>
      <Stack gap="lg">
        <form onSubmit={(e) => { e.preventDefault(); save.mutate(undefined); }}>
          <Stack maw={420} gap="sm">
            <NewPassphrase label="Passphrase of the backup" value={passphrase} change={setPassphrase} />
            <Group><Button type="submit" loading={save.isPending} disabled={!isFit(passphrase)}>Download a backup</Button></Group>
          </Stack>
        </form>
        {waiting ? (
          <Alert color="yellow" role="status" title="A backup waits for the next start">
            <Stack gap="xs">
              <Text size="sm">{waiting.connections} accounts. Restart the service (on Debian: systemctl restart omniroute). It then takes the place of everything that is here now, which is kept beside it.</Text>
              <Group><Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(undefined)}>Do not restore it</Button></Group>
            </Stack>
          </Alert>
        ) : (
          <form onSubmit={(e) => { e.preventDefault(); stage.mutate(undefined); }}>
            <Stack maw={420} gap="sm">
              <FileInput label="Bring a backup back" placeholder="omniroute-backup-….json" accept=".json,application/json" value={file} onChange={setFile} clearable clearButtonProps={{ 'aria-label': 'No file' }} description="It is checked now and put in place by the next start of the service." />
              <PasswordInput label="Its passphrase" value={secret} onChange={(e) => setSecret(e.currentTarget.value)} autoComplete="off" />
              <Group><Button type="submit" variant="default" loading={stage.isPending} disabled={!file || !secret}>Restore</Button></Group>
            </Stack>
          </form>
        )}
      </Stack>
    </Card>
  );
}

function Password() {
  const client = useQueryClient();
  const session = useQuery({ queryKey: ['session'], queryFn: () => get<Session>('/api/auth/session'), retry: false });
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const set = useChange(() => call('PUT', '/api/settings/password', { password, ...(current ? { currentPassword: current } : {}) }), ['session'], () => { say('The password is set.'); setCurrent(''); setPassword(''); });
  const leave = async () => { await call('POST', '/api/auth/logout').catch(complain); await client.invalidateQueries(); };
  const known = session.data?.passwordSet;
  return (
    <Card withBorder component="section" aria-labelledby="password">
      <Text fw={600} id="password">Admin password</Text>
      <Text size="sm" c="dimmed" mb="sm">{known ? 'Needed for this page and the admin API.' : 'None is set: everybody on this machine may administer the service, nobody else.'}</Text>
      <form onSubmit={(e) => { e.preventDefault(); set.mutate(undefined); }}>
        <Stack maw={420}>
          {known && <PasswordInput label="Current password" value={current} required onChange={(e) => setCurrent(e.currentTarget.value)} autoComplete="current-password" />}
          <PasswordInput label="New password" value={password} required onChange={(e) => setPassword(e.currentTarget.value)} autoComplete="new-password" />
          <Group><Button type="submit" loading={set.isPending} disabled={!password}>Set</Button>{session.data?.loggedIn && <Button variant="default" onClick={leave}>Log out</Button>}</Group>
        </Stack>
      </form>
    </Card>
  );
}

function About() {
  const health = useHealth();
  return (
    <Card withBorder component="section">
      <Text fw={600}>About</Text>
      <Text size="sm">OmniRoute{health.data && ` ${health.data.version}`}, Apache-2.0. Each account's terms of use apply to what is done through it.</Text>
      <Text size="sm"><Anchor href="./api/health">Health as JSON</Anchor>, <Anchor href="./metrics">metrics</Anchor></Text>
    </Card>
  );
}
