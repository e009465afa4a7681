// API keys of clients. A key is shown once.
import { Alert, Button, Card, Code, CopyButton, Group, Modal, MultiSelect, NumberInput, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call, get, id, type Schemas } from '../api/client';
import { errorAt, say, useChange, useCombos } from '../api/hooks';
import { Loaded, Nothing, Page } from '../components/Page';
import { Time } from '../components/Time';
import { texts } from '../texts';

type Key = Schemas['ApiKey'];

export default function Keys() {
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => get<{ keys: Key[] }>('/api/keys'), select: (d) => d.keys, refetchInterval: 15_000 });
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const [doomed, setDoomed] = useState<Key>();
  const active = useChange(({ k, on }: { k: Key; on: boolean }) => call('PATCH', `/api/keys/${id(k.id)}`, { isActive: on }), ['keys']);
  const remove = useChange((k: Key) => call('DELETE', `/api/keys/${id(k.id)}`), ['keys'], (_, k) => say(`${k.name} is deleted.`));
  return (
    <Page title="Keys" intro="A key lets a client in, for certain models and within limits. On this machine none is needed unless the settings say so." actions={<Button leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>New key</Button>}>
      <Loaded query={keys}>
        {(all) => all.length === 0 ? <Nothing title="No key yet"><Button onClick={() => setMaking(true)}>Make one</Button></Nothing> : all.map((k) => (
          <Card withBorder key={k.id} component="article" aria-label={k.name}>
            <Group justify="space-between" align="flex-start">
              <Stack gap={4} miw={0}>
                <Group gap="xs"><Text fw={600} className="wrap" dir="auto">{k.name}</Text><Code>{k.key}</Code>{k.expired && <Text size="sm" c="red">expired</Text>}</Group>
                <Text size="sm" c="dimmed">{(k.scopes ?? []).join(', ')}{k.models?.length ? `, only ${k.models.join(', ')}` : ''}</Text>
                <Text size="sm" c="dimmed">used <Time at={k.lastUsedAt} none="never" />, expires <Time at={k.expiresAt} none="never" /></Text>
                <Text size="sm">Today {k.usage.today.requests} requests, {k.usage.today.credits.toFixed(2)} credits; this month {k.usage.thisMonth.requests} and {k.usage.thisMonth.credits.toFixed(2)}</Text>
              </Stack>
              <Group>
                <Switch checked={k.isActive} label={k.isActive ? 'On' : 'Off'} aria-label={`${k.name} is on`} onChange={(e) => active.mutate({ k, on: e.currentTarget.checked })} />
                <Button size="xs" variant="subtle" color="red" onClick={() => setDoomed(k)}>Delete</Button>
              </Group>
            </Group>
          </Card>
        ))}
      </Loaded>
      {making && <NewKey close={() => setMaking(false)} made={setSecret} />}
      {secret && (
        <Modal opened onClose={() => setSecret(undefined)} title="Your new key" closeOnClickOutside={false}>
          <Stack>
            <Alert color="yellow">Copy it now: it is shown this once and stored only as a hash.</Alert>
            <Code block className="wrap">{secret}</Code>
            <CopyButton value={secret}>{({ copied, copy }) => <Button onClick={copy}>{copied ? texts.copied : 'Copy'}</Button>}</CopyButton>
          </Stack>
        </Modal>
      )}
      {doomed && (
        <Modal opened onClose={() => setDoomed(undefined)} title={`Delete ${doomed.name}?`}>
          <Stack><Text size="sm">Clients that use it are refused at once.</Text><Group justify="flex-end"><Button variant="default" data-autofocus onClick={() => setDoomed(undefined)}>Keep it</Button><Button color="red" onClick={() => { remove.mutate(doomed); setDoomed(undefined); }}>Delete</Button></Group></Stack>
        </Modal>
      )}
    </Page>
  );
}

function NewKey({ close, made }: { close: () => void; made: (secret: string) => void }) {
  const combos = useCombos();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['inference']);
  const [models, setModels] = useState<string[]>([]);
  const [rate, setRate] = useState<number | string>('');
  const create = useChange(
    () => call<{ secret: string }>('POST', '/api/keys', { name: name.trim(), scopes, ...(models.length ? { models } : {}), ...(rate ? { requestsPerMinute: Number(rate) } : {}) }),
    ['keys'], (result) => { close(); made(result.secret); }, ['name', 'models', 'requestsPerMinute']);
  return (
    <Modal opened onClose={close} title="New key">
      <form onSubmit={(e) => { e.preventDefault(); create.mutate(undefined); }}>
        <Stack>
          <TextInput label="Name" error={errorAt(create.error, 'name')} errorProps={{ role: 'alert' }} description="What it is for, for example laptop" value={name} maxLength={100} required data-autofocus onChange={(e) => setName(e.currentTarget.value)} />
          <MultiSelect label="May" value={scopes} onChange={setScopes} data={[{ value: 'inference', label: 'Ask models' }, { value: 'admin', label: 'Administer this service' }]} />
          <TagsInput error={errorAt(create.error, 'models')} errorProps={{ role: 'alert' }} label="Only these combos and models" description="Empty: all. * stands for anything, for example kiro/*" value={models} onChange={setModels} data={(combos.data ?? []).map((c) => c.name)} />
          <NumberInput label="Requests a minute" error={errorAt(create.error, 'requestsPerMinute')} errorProps={{ role: 'alert' }} description="Empty: no limit" min={1} value={rate} onChange={setRate} />
          <Group justify="flex-end"><Button variant="default" onClick={close}>Cancel</Button><Button type="submit" loading={create.isPending} disabled={!name.trim() || scopes.length === 0}>Make it</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
