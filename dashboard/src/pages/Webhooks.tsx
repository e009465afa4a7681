// Webhooks, a section of the settings: who is told of changes, and how the telling went.
import { Alert, Badge, Button, Card, Code, CopyButton, Group, Modal, MultiSelect, Stack, Switch, Table, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call, get, id, type Schemas } from '../api/client';
import { errorAt, post, say, useChange } from '../api/hooks';
import { Loaded, Nothing } from '../components/Page';
import { Time } from '../components/Time';
import { WideTable } from '../components/WideTable';
import { texts } from '../texts';

type Webhook = Schemas['Webhook'];
type Delivery = Schemas['WebhookDelivery'];

export function Webhooks() {
  const client = useQueryClient();
  const webhooks = useQuery({ queryKey: ['webhooks'], queryFn: () => get<{ webhooks: Webhook[]; eventTypes: string[] }>('/api/webhooks') });
  const [editing, setEditing] = useState<Webhook | 'new'>();
  const [doomed, setDoomed] = useState<Webhook>();
  const [renewed, setRenewed] = useState<Webhook>();
  const [opened, setOpened] = useState<string>();
  const [secret, setSecret] = useState<string>();
  const [tried, setTried] = useState<Record<string, Delivery>>({});
  const test = useChange((w: Webhook) => post<Delivery>(`/api/webhooks/${id(w.id)}/test`), ['deliveries'], (result, w) => setTried((old) => ({ ...old, [w.id]: result })));
  const active = useChange(({ w, on }: { w: Webhook; on: boolean }) => call('PATCH', `/api/webhooks/${id(w.id)}`, { isActive: on }), ['webhooks']);
  const rotate = useChange((w: Webhook) => call<Webhook & { secret: string }>('PATCH', `/api/webhooks/${id(w.id)}`, { rotateSecret: true }), ['webhooks'], (result) => setSecret(result.secret));
  const remove = useChange((w: Webhook) => call('DELETE', `/api/webhooks/${id(w.id)}`), ['webhooks'], (_, w) => say(`${w.name} is deleted.`));
  return (
    <Card withBorder component="section" aria-labelledby="webhooks">
      <Group justify="space-between" mb="sm">
        <div><Text fw={600} id="webhooks">Webhooks</Text><Text size="sm" c="dimmed">An address that is told when an account changes: signed, and repeated until it is received.</Text></div>
        <Button size="xs" onClick={() => setEditing('new')}>Add a webhook</Button>
      </Group>
      <Loaded query={webhooks}>
        {(data) => (
          <Stack gap="md">
            {data.webhooks.length === 0 && <Nothing title="No webhook; nobody is told" />}
            {data.webhooks.map((w) => (
              <Stack key={w.id} gap={4} component="article" aria-label={w.name}>
                <Group justify="space-between">
                  <Stack gap={0} miw={0}>
                    <Text fw={600} size="sm" className="wrap" dir="auto">{w.name}</Text>
                    <Text size="sm" c="dimmed" className="wrap">{w.url}</Text>
                    <Text size="sm" c="dimmed" className="wrap">{w.events.length ? w.events.join(', ') : 'all events'}</Text>
                  </Stack>
                  <Group gap="xs">
                    <Switch size="sm" checked={w.isActive} label={w.isActive ? 'On' : 'Off'} aria-label={`${w.name} is on`} onChange={(e) => active.mutate({ w, on: e.currentTarget.checked })} />
                    <Button size="xs" variant="light" loading={test.isPending && test.variables?.id === w.id} onClick={() => test.mutate(w)}>Test</Button>
                    <Button size="xs" variant="default" aria-expanded={opened === w.id} onClick={() => { setOpened(opened === w.id ? undefined : w.id); void client.invalidateQueries({ queryKey: ['deliveries'] }); }}>Deliveries</Button>
                    <Button size="xs" variant="default" onClick={() => setEditing(w)}>Edit</Button>
                    <Button size="xs" variant="default" onClick={() => setRenewed(w)}>New secret</Button>
                    <Button size="xs" variant="subtle" color="red" onClick={() => setDoomed(w)}>Delete</Button>
                  </Group>
                </Group>
                {tried[w.id] && <Alert color={tried[w.id].state === 'delivered' ? 'teal' : 'red'} role="status" p="xs">{outcome(tried[w.id])}</Alert>}
                {opened === w.id && <Deliveries webhook={w} />}
              </Stack>
            ))}
          </Stack>
        )}
      </Loaded>
      {editing && <WebhookForm webhook={editing === 'new' ? undefined : editing} types={webhooks.data?.eventTypes ?? []} close={() => setEditing(undefined)} made={setSecret} />}
      {secret && (
        <Modal opened onClose={() => setSecret(undefined)} title="The webhook's secret" closeOnClickOutside={false}>
          <Stack>
            <Alert color="yellow">Copy it now: it is shown this once. The receiver checks signatures with it.</Alert>
            <Code block className="wrap">{secret}</Code>
            <CopyButton value={secret}>{({ copied, copy }) => <Button onClick={copy}>{copied ? texts.copied : 'Copy'}</Button>}</CopyButton>
          </Stack>
        </Modal>
      )}
      {renewed && (
        <Modal opened onClose={() => setRenewed(undefined)} title={`A new secret for ${renewed.name}?`}>
          <Stack><Text size="sm">From then on everything is signed with it: the receiver refuses events until it has it.</Text><Group justify="flex-end"><Button variant="default" data-autofocus onClick={() => setRenewed(undefined)}>Keep the old one</Button><Button onClick={() => { rotate.mutate(renewed); setRenewed(undefined); }}>Make a new one</Button></Group></Stack>
        </Modal>
      )}
      {doomed && (
        <Modal opened onClose={() => setDoomed(undefined)} title={`Delete ${doomed.name}?`}>
          <Stack><Text size="sm">It is told of nothing any more; what waits to be sent again is dropped, and the list of its deliveries goes.</Text><Group justify="flex-end"><Button variant="default" data-autofocus onClick={() => setDoomed(undefined)}>Keep it</Button><Button color="red" onClick={() => { remove.mutate(doomed); setDoomed(undefined); }}>Delete</Button></Group></Stack>
        </Modal>
      )}
    </Card>
  );
}

function outcome(d: Delivery) {
  if (d.state === 'delivered') return `Received, with the status ${d.status}.`;
  return `Not received: ${d.error ?? `the status was ${d.status}`}.`;
}

const colours: Record<string, string> = { delivered: 'teal', failed: 'red', pending: 'yellow' };

function Deliveries({ webhook }: { webhook: Webhook }) {
  const found = useQuery({ queryKey: ['deliveries', webhook.id], queryFn: () => get<{ deliveries: Delivery[] }>(`/api/webhooks/${id(webhook.id)}/deliveries?limit=20`), refetchInterval: 5_000 });
  return (
    <Loaded query={found}>
      {({ deliveries }) => deliveries.length === 0 ? <Text size="sm" c="dimmed">Nothing was sent yet.</Text> : (
        <WideTable label={`Deliveries of ${webhook.name}`} width={640}>
          <Table.Thead><Table.Tr><Table.Th>When</Table.Th><Table.Th>Event</Table.Th><Table.Th>State</Table.Th><Table.Th ta="right">Attempts</Table.Th><Table.Th>Last answer</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {deliveries.map((d) => (
              <Table.Tr key={d.id}>
                <Table.Td><Time at={d.createdAt} /></Table.Td>
                <Table.Td>{d.type}</Table.Td>
                <Table.Td><Badge variant="light" color={colours[d.state] ?? 'gray'} tt="none">{d.state}</Badge>{d.nextAttemptAt && <Text size="xs" c="dimmed">again <Time at={d.nextAttemptAt} /></Text>}</Table.Td>
                <Table.Td ta="right">{d.attempts}</Table.Td>
                <Table.Td className="wrap">{d.error ?? d.status ?? '-'}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </WideTable>
      )}
    </Loaded>
  );
}

function WebhookForm({ webhook, types, close, made }: { webhook?: Webhook; types: string[]; close: () => void; made: (secret: string) => void }) {
  const [name, setName] = useState(webhook?.name ?? '');
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [events, setEvents] = useState<string[]>(webhook?.events ?? []);
  const save = useChange(
    () => call<{ secret?: string }>(webhook ? 'PATCH' : 'POST', webhook ? `/api/webhooks/${id(webhook.id)}` : '/api/webhooks', { name: name.trim(), url: url.trim(), events }),
    ['webhooks'], (result) => { close(); if (result.secret) made(result.secret); else say('Saved.'); }, ['name', 'url', 'events']);
  return (
    <Modal opened onClose={close} title={webhook ? `Edit ${webhook.name}` : 'Add a webhook'}>
      <form onSubmit={(e) => { e.preventDefault(); save.mutate(undefined); }}>
        <Stack>
          <TextInput label="Name" value={name} error={errorAt(save.error, 'name')} errorProps={{ role: 'alert' }} maxLength={100} required data-autofocus onChange={(e) => setName(e.currentTarget.value)} />
          <TextInput label="Address" error={errorAt(save.error, 'url')} errorProps={{ role: 'alert' }} placeholder="https://example.com/hook" value={url} required onChange={(e) => setUrl(e.currentTarget.value)} description="https, or http inside your own network" />
          <MultiSelect label="Events" error={errorAt(save.error, 'events')} errorProps={{ role: 'alert' }} description="None chosen: all" value={events} onChange={setEvents} data={types} searchable clearable />
          <Group justify="flex-end"><Button variant="default" onClick={close}>Cancel</Button><Button type="submit" loading={save.isPending} disabled={!name.trim() || !url.trim()}>Save</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
