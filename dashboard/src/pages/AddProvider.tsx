// A new account, or an old one signed in anew in place. The forms are drawn from the plugins' manifests.
import { Alert, Anchor, Button, Card, Checkbox, Code, Collapse, CopyButton, Group, Loader, PasswordInput, SegmentedControl, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { Link, useNavigate, useSearchParams } from 'react-router-dom';
import { encode } from 'uqr';
import { ApiError, base, call, get, id, type Schemas, type SignIn } from '../api/client';
import { complain, say, useConnections, usePlugins, useProxies, type Field, type Method, type Plugin } from '../api/hooks';
import { Loaded, Nothing, Page } from '../components/Page';
import { Time } from '../components/Time';
import { texts } from '../texts';

type Values = Record<string, string | boolean>;

export default function AddProvider() {
  const plugins = usePlugins();
  const connections = useConnections();
  const [query] = useSearchParams();
  const [provider, setProvider] = useState(query.get('provider') ?? '');
  const replaced = connections.data?.find((c) => c.id === query.get('replace'));
  return (
    <Page
      title={replaced ? `Sign in again: ${replaced.name}` : 'Add provider'}
      intro={replaced ? 'The account keeps its id, name, combos and proxy. Nothing changes before the sign-in is complete.' : 'Each account gets a client registration of its own, so no account logs another out.'}
    >
      <Loaded query={plugins}>
        {(all) => {
          const loaded = all.filter((p) => p.status === 'loaded' && p.signInMethods.length > 0);
          const plugin = loaded.find((p) => p.id === provider) ?? loaded.find((p) => p.id === 'kiro') ?? loaded[0];
          if (!plugin) return <Nothing title="No provider plugin is loaded"><Text size="sm">See <Anchor component={Link} to="/health">Health</Anchor> for the reason.</Text></Nothing>;
          return (
            <Stack>
              {!replaced && loaded.length > 1 && (
                <SegmentedControl value={plugin.id} onChange={setProvider} data={loaded.map((p) => ({ value: p.id, label: p.name }))} aria-label="Provider" />
              )}
              <Methods key={plugin.id} plugin={plugin} replace={replaced?.id} />
            </Stack>
          );
        }}
      </Loaded>
    </Page>
  );
}

function Methods({ plugin, replace }: { plugin: Plugin; replace?: string }) {
  const [query] = useSearchParams();
  const [method, setMethod] = useState(query.get('method') ?? plugin.signInMethods[0].id);
  const [signIn, setSignIn] = useState<SignIn>();
  const chosen = plugin.signInMethods.find((m) => m.id === method);
  if (signIn) return <Progress signIn={signIn} back={() => setSignIn(undefined)} />;
  return (
    <Card withBorder>
      <Stack>
        <Select label="How to sign in" value={method} allowDeselect={false} onChange={(value) => value && setMethod(value)}
          data={[...plugin.signInMethods.map((m) => ({ value: m.id, label: m.title })), ...(plugin.id === 'kiro' && !replace ? [{ value: 'auto', label: 'Find accounts on this machine' }] : [])]} />
        {chosen ? <MethodForm key={chosen.id} plugin={plugin} method={chosen} replace={replace} started={setSignIn} /> : <AutoImport />}
      </Stack>
    </Card>
  );
}

function Input({ field, value, error, change }: { field: Field; value: string | boolean; error?: string; change: (value: string | boolean) => void }) {
  const common = { label: field.label, description: field.help, error, required: field.required };
  if (field.type === 'boolean')
    return <Checkbox label={field.label} description={field.help} error={error} checked={value === true} onChange={(e) => change(e.currentTarget.checked)} />;
  if (field.type === 'choice') return <Select {...common} data={field.options} value={String(value)} allowDeselect={false} onChange={(v) => change(v ?? '')} />;
  // Not a password box for many lines: a pasted file must be seen to be checked, and stays on this page.
  if (field.multiline) return <Textarea {...common} autosize minRows={3} maxRows={10} value={String(value)} onChange={(e) => change(e.currentTarget.value)} autoComplete="off" spellCheck={false} />;
  if (field.type === 'secret') return <PasswordInput {...common} value={String(value)} onChange={(e) => change(e.currentTarget.value)} autoComplete="off" />;
  return <TextInput {...common} value={String(value)} onChange={(e) => change(e.currentTarget.value)} inputMode={field.type === 'url' ? 'url' : undefined} spellCheck={false} />;
}

// What a person most likely pasted, so that a wrong box is noticed before the service is asked.
function recognised(text: string): string | undefined {
  const pasted = text.trim();
  if (pasted.startsWith('{')) return 'A token file: its region and method are taken from it.';
  if (pasted.startsWith('aorAAAAAG')) return 'A refresh token.';
  if (pasted.startsWith('aoaAAAAAG')) return 'This is an access token; the refresh token (aorAAAAAG...) is needed.';
  if (pasted.startsWith('ksk_')) return 'This is an API key: choose "API key" above.';
  return undefined;
}

function MethodForm({ plugin, method, replace, started }: { plugin: Plugin; method: Method; replace?: string; started: (signIn: SignIn) => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const proxies = useProxies();
  const [values, setValues] = useState<Values>(() => Object.fromEntries(method.fields.map((f) => [f.name, f.default ?? (f.type === 'boolean' ? false : '')])));
  const [name, setName] = useState('');
  const [proxy, setProxy] = useState('');
  const [more, setMore] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const interactive = method.method === 'accounts.signin.start';
  const set = (field: string) => (value: string | boolean) => setValues((old) => ({ ...old, [field]: value }));
  const plain = method.fields.filter((f) => !f.advanced);
  const advanced = method.fields.filter((f) => f.advanced);
  const pasted = method.fields.find((f) => f.multiline && f.type === 'secret');
  const hint = pasted && recognised(String(values[pasted.name]));

  const submit = async () => {
    setBusy(true);
    setError(undefined);
    // What was left as it is need not be sent; the plugin has the same defaults.
    const form: Record<string, unknown> = {};
    for (const field of method.fields) {
      const value = values[field.name];
      const same = value === (field.default ?? (field.type === 'boolean' ? false : ''));
      if (same && !field.required) continue;
      form[field.name] = field.name === 'redirectPort' ? Number(value) : typeof value === 'string' ? value.trim() : value;
    }
    if (name.trim()) form.name = name.trim();
    if (proxy) form.proxyId = proxy;
    if (replace) Object.assign(form, { mode: 'replace', connectionId: replace });
    try {
      if (interactive) {
        started(await call<SignIn>('POST', `/api/oauth/${id(plugin.id)}/signin`, { method: method.id, ...form }));
      } else {
        const result = await call<{ connection: { id: string; name: string } }>('POST', `/api/oauth/${id(plugin.id)}/import`, form);
        await client.invalidateQueries();
        say(`${result.connection.name} is signed in.`);
        navigate('/providers');
      }
    } catch (problem) {
      if (problem instanceof ApiError) setError(problem);
      else complain(problem);
    } finally {
      setBusy(false);
    }
  };

  const at = (field: string) => (error?.field === field ? error.message : undefined);
  const placed = error && method.fields.some((f) => f.name === error.field);
  return (
    <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <Stack>
        {method.help && <Text size="sm">{method.help}</Text>}
        {plain.map((f) => <Input key={f.name} field={f} value={values[f.name]} error={at(f.name)} change={set(f.name)} />)}
        {hint && <Text size="sm" role="status">{hint}</Text>}
        {!replace && <TextInput label="Name" description="For example kiro-work. Left empty, it is made from the e-mail address." value={name} maxLength={100} error={at('name')} onChange={(e) => setName(e.currentTarget.value)} />}
        <Anchor component="button" type="button" ta="left" size="sm" onClick={() => setMore(!more)} aria-expanded={more}>{more ? 'Fewer options' : 'More options'}</Anchor>
        <Collapse in={more || advanced.some((f) => f.name === error?.field)}>
          <Stack>
            {!replace && (
              <Select label="Proxy" description="Used from the first call on." value={proxy} onChange={(v) => setProxy(v ?? '')} allowDeselect={false}
                data={[{ value: '', label: 'What the provider or the service uses' }, ...(proxies.data ?? []).map((p) => ({ value: p.id, label: p.name }))]} />
            )}
            {advanced.map((f) => <Input key={f.name} field={f} value={values[f.name]} error={at(f.name)} change={set(f.name)} />)}
          </Stack>
        </Collapse>
        {error && !placed && (
          <Alert color="red" role="alert">
            {error.message}
            {error.connectionId && <> <Anchor component={Link} to={`/providers?show=${error.connectionId}`}>Show that account</Anchor></>}
          </Alert>
        )}
        <Group><Button type="submit" loading={busy}>{interactive ? 'Start' : 'Add'}</Button></Group>
      </Stack>
    </form>
  );
}

function Qr({ text }: { text: string }) {
  const { path, size } = useMemo(() => {
    const { data, size } = encode(text, { border: 2 });
    return { size, path: data.flatMap((row, y) => row.map((on, x) => (on ? `M${x} ${y}h1v1h-1z` : ''))).join('') };
  }, [text]);
  return (
    <svg viewBox={`0 0 ${size} ${size}`} width={168} height={168} role="img" aria-label="QR code of the sign-in page" shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" /><path d={path} fill="#000" />
    </svg>
  );
}

function Progress({ signIn: first, back }: { signIn: SignIn; back: () => void }) {
  const [signIn, setSignIn] = useState(first);
  const [callback, setCallback] = useState('');
  const client = useQueryClient();
  const url = signIn.verificationUriComplete ?? signIn.url ?? signIn.verificationUri ?? '';

  useEffect(() => {
    const events = new EventSource(`${base}/api/oauth/signin/${id(first.id)}/events`);
    let timer: ReturnType<typeof setInterval> | undefined;
    const take = (next: SignIn) => {
      setSignIn(next);
      if (next.status === 'pending') return;
      events.close();
      clearInterval(timer);
      void client.invalidateQueries();
    };
    events.addEventListener('status', (event) => take(JSON.parse((event as MessageEvent).data)));
    // A proxy may not pass events on; asking now and then works everywhere.
    events.onerror = () => {
      events.close();
      timer ??= setInterval(() => get<SignIn>(`/api/oauth/signin/${id(first.id)}`).then(take, () => {}), 2000);
    };
    return () => {
      events.close();
      clearInterval(timer);
    };
  }, [first.id, client]);

  const cancel = () => call('DELETE', `/api/oauth/signin/${id(signIn.id)}`).catch(complain).finally(back);
  if (signIn.status === 'complete')
    return (
      <Card withBorder>
        <Stack align="flex-start">
          <Alert color="teal" title={`${signIn.name ?? 'The account'} is signed in`} role="status">It has a client registration of its own.</Alert>
          <Group>
            <Button component={Link} to={`/providers?show=${signIn.connectionId ?? ''}`}>Show it</Button>
            <Button variant="default" onClick={back}>Add another</Button>
          </Group>
        </Stack>
      </Card>
    );
  if (signIn.status !== 'pending')
    return (
      <Card withBorder>
        <Stack align="flex-start">
          <Alert color="red" title={{ failed: 'The sign-in failed', expired: 'The code has expired', cancelled: 'The sign-in was cancelled' }[signIn.status]} role="alert">
            {signIn.error?.message ?? 'Nothing was stored.'}
            {signIn.error?.connectionId && <> <Anchor component={Link} to={`/providers?show=${signIn.error.connectionId}`}>Show that account</Anchor></>}
          </Alert>
          <Button onClick={back}>{texts.again}</Button>
        </Stack>
      </Card>
    );
  return (
    <Card withBorder>
      <Group align="flex-start" gap="xl">
        <Stack miw={0} flex={1}>
          {signIn.userCode && (
            <div>
              <Text size="sm" c="dimmed">Confirm this code on the page</Text>
              <Group gap="sm">
                <span className="code">{signIn.userCode}</span>
                <CopyButton value={signIn.userCode}>{({ copied, copy }) => <Button variant="light" size="xs" onClick={copy}>{copied ? texts.copied : 'Copy'}</Button>}</CopyButton>
              </Group>
            </div>
          )}
          <Group>
            <Button component="a" href={url} target="_blank" rel="noopener noreferrer">Open the sign-in page</Button>
            <CopyButton value={url}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? texts.copied : 'Copy the address'}</Button>}</CopyButton>
          </Group>
          <Code className="wrap">{url}</Code>
          <Group gap="xs" role="status"><Loader size="xs" /><Text size="sm">Waiting for you to confirm; the code ends <Time at={signIn.expiresAt} />. You may leave this page.</Text></Group>
          {signIn.error && <Text size="sm" c="orange">{signIn.error.message}</Text>}
          {signIn.kind === 'browser' && (
            <form onSubmit={(e) => { e.preventDefault(); call<SignIn>('POST', `/api/oauth/signin/${id(signIn.id)}/finish`, { callbackUrl: callback.trim() }).then(setSignIn, complain); }}>
              <Group align="flex-end">
                <TextInput flex={1} label="Did the browser end on an address that does not load? Paste it" value={callback} onChange={(e) => setCallback(e.currentTarget.value)} />
                <Button type="submit" variant="default" disabled={!callback.trim()}>Finish</Button>
              </Group>
            </form>
          )}
          <Group><Button variant="subtle" color="gray" onClick={cancel}>Cancel</Button></Group>
        </Stack>
        {url && <Qr text={url} />}
      </Group>
    </Card>
  );
}

type Found = Schemas['LocalAccount'];
interface Scan { found: Found[]; problems: { file: string; message: string }[]; hint: string | null }

function AutoImport() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [found, setFound] = useState<Scan>();
  const [ticked, setTicked] = useState<Set<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  useEffect(() => { get<Scan>('/api/oauth/kiro/auto-import').then(setFound, (e) => setFailed(e.message)); }, []);
  const submit = async () => {
    setBusy(true);
    try {
      const { results } = await call<{ results: { success: boolean; error?: { message?: string } }[] }>('POST', '/api/oauth/kiro/auto-import', { items: [...ticked] });
      await client.invalidateQueries();
      const bad = results.filter((r) => !r.success);
      for (const r of bad) complain(new Error(r.error?.message ?? 'It was not added.'));
      if (bad.length < results.length) navigate('/providers');
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  if (failed) return <Alert color="orange">{failed}</Alert>;
  if (!found) return <Loader aria-label={texts.loading} />;
  return (
    <Stack>
      {found.problems.map((p) => <Alert key={p.file} color="orange" title={p.file}>{p.message}</Alert>)}
      {found.found.length === 0 && (
        <Alert title="Nothing was found">
          {found.hint}
        </Alert>
      )}
      {found.found.map((item) => {
        const why = item.importedId ? 'Added already' : item.importable ? `${item.file}${item.registration === 'shared' ? ', shares its registration with that tool' : ''}` : (item.note ?? 'It cannot be added');
        return (
          <Checkbox key={item.id} disabled={!!item.importedId || !item.importable} checked={ticked.has(item.id)} label={`${item.label} (${[item.kind, item.region].filter(Boolean).join(', ')})`} description={why}
            onChange={(e) => { const next = new Set(ticked); if (e.currentTarget.checked) next.add(item.id); else next.delete(item.id); setTicked(next); }} />
        );
      })}
      {found.found.length > 0 && <Group><Button disabled={ticked.size === 0} loading={busy} onClick={submit}>Add {ticked.size || ''}</Button></Group>}
    </Stack>
  );
}
