// API keys of clients: what each may, its limits and what it has spent of them. A key is shown once.
import { Alert, Button, Card, Code, CopyButton, Group, Modal, Stack, Switch, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { call, id } from '../api/client';
import { say, useChange, useKeys } from '../api/hooks';
import { Loaded, Nothing, Page } from '../components/Page';
import { Time } from '../components/Time';
import { texts } from '../texts';
import { type Key, KeyForm, useGone, type Warning, Warnings } from './KeyForm';

export default function Keys() {
  const keys = useKeys();
  const gone = useGone();
  const [edited, setEdited] = useState<Key | 'new'>();
  const [made, setMade] = useState<{ secret: string; warnings: Warning[] }>();
  const [doomed, setDoomed] = useState<Key>();
  const active = useChange(({ k, on }: { k: Key; on: boolean }) => call('PATCH', `/api/keys/${id(k.id)}`, { isActive: on }), ['keys']);
  const remove = useChange((k: Key) => call('DELETE', `/api/keys/${id(k.id)}`), ['keys'], (_, k) => say(`${k.name} is deleted.`));
  return (
    <Page title="Keys" intro="A key lets a client in, for certain models and within limits. On this machine none is needed unless the settings say so." actions={<Button leftSection={<IconPlus size={16} />} onClick={() => setEdited('new')}>New key</Button>}>
      <Loaded query={keys}>
        {(all) => all.length === 0 ? <Nothing title="No key yet"><Button onClick={() => setEdited('new')}>Make one</Button></Nothing> : all.map((k) => (
          <Card withBorder key={k.id} component="article" aria-label={k.name}>
            <Group justify="space-between" align="flex-start" mb="xs">
              <Group gap="xs"><Text fw={600} className="wrap" dir="auto">{k.name}</Text><Code>{k.key}</Code>{k.expired && <Text size="sm" c="red">expired</Text>}</Group>
              <Group gap="xs" wrap="nowrap">
                <Switch checked={k.isActive} label={k.isActive ? 'On' : 'Off'} aria-label={`${k.name} is on`} onChange={(e) => active.mutate({ k, on: e.currentTarget.checked })} />
                <Button size="xs" variant="default" onClick={() => setEdited(k)}>Edit</Button>
                <Button size="xs" variant="subtle" color="red" onClick={() => setDoomed(k)}>Delete</Button>
              </Group>
            </Group>
            <dl className="facts">
              <Fact name="May">{(k.scopes ?? []).map((scope) => texts.scopes[scope]).join(', ')}</Fact>
              <Fact name="Combos"><Allowed of={k} names={k.combos} gone={gone.combo} /></Fact>
              <Fact name="Models"><Allowed of={k} names={k.models} gone={gone.model} /></Fact>
              <Fact name="At most">{[k.requestsPerMinute && `${k.requestsPerMinute.toLocaleString()} requests a minute`, k.maxConcurrent && `${k.maxConcurrent.toLocaleString()} at once`].filter(Boolean).join(', ') || 'no limit'}</Fact>
              <Fact name="Today"><Spent of={k.usage.today} credits={k.budgets?.creditsPerDay} tokens={k.budgets?.tokensPerDay} /></Fact>
              <Fact name="This month"><Spent of={k.usage.thisMonth} credits={k.budgets?.creditsPerMonth} tokens={k.budgets?.tokensPerMonth} /></Fact>
              <Fact name="Expires"><Time at={k.expiresAt} none="never" /></Fact>
              <Fact name="Used"><Time at={k.lastUsedAt} none="never" />{k.usage.running > 0 && `, ${k.usage.running} under way`}</Fact>
            </dl>
          </Card>
        ))}
      </Loaded>
      {edited && <KeyForm of={edited === 'new' ? undefined : edited} close={() => setEdited(undefined)} made={(secret, warnings) => setMade({ secret, warnings })} />}
      {made && (
        <Modal opened onClose={() => setMade(undefined)} title="Your new key" closeOnClickOutside={false}>
          <Stack>
            <Alert color="yellow">Copy it now: it is shown this once and stored only as a hash.</Alert>
            <Code block className="wrap">{made.secret}</Code>
            <CopyButton value={made.secret}>{({ copied, copy }) => <Button onClick={copy}>{copied ? texts.copied : 'Copy'}</Button>}</CopyButton>
            <Warnings of={made.warnings} />
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

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt>{name}</dt><dd className="wrap" dir="auto">{children}</dd></div>;
}

// With any combo or model named, only those are allowed.
function Allowed({ of: key, names = [], gone }: { of: Key; names?: string[]; gone: (name: string) => boolean }) {
  if (names.length === 0) return key.models?.length || key.combos?.length ? 'none' : 'all';
  return <>only {names.map((name, i) => <span key={name}>{i > 0 && ', '}{name}{gone(name) && <span className="warn"> (not there any more)</span>}</span>)}</>;
}

// What was spent, each beside its budget.
function Spent({ of: spent, credits, tokens }: { of: Key['usage']['today']; credits?: number | null; tokens?: number | null }) {
  const part = (used: number, budget: number | null | undefined, unit: string, digits: number) => {
    const number = (value: number) => value.toLocaleString(undefined, { maximumFractionDigits: digits });
    return <span className={budget && used >= budget ? 'warn' : undefined}>{`${number(used)}${budget ? ` of ${number(budget)}` : ''} ${unit}${budget && used >= budget ? ' (used up)' : ''}`}</span>;
  };
  return <>{spent.requests.toLocaleString()} requests, {part(spent.credits, credits, 'credits', 2)}, {part(spent.tokens, tokens, 'tokens', 0)}</>;
}
