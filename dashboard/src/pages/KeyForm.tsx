// A key's name, what it may and its limits: of a new one, or of one that is there.
import { Alert, Button, Group, Modal, MultiSelect, NumberInput, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { call, id, type Schemas } from '../api/client';
import { errorAt, say, useChange, useCombos, useConnections, useModels } from '../api/hooks';
import { texts } from '../texts';

export type Key = Schemas['ApiKey'];
export type Warning = Schemas['KeyWarnings']['warnings'][number];
type Answer = Key & { secret?: string; warnings?: Warning[] };
type Budgets = NonNullable<Key['budgets']>;
type Limit = number | string;

const budgetNames = ['creditsPerDay', 'creditsPerMonth', 'tokensPerDay', 'tokensPerMonth'] as const;
const numbers = { requestsPerMinute: 'Requests a minute', maxConcurrent: 'Requests at once', creditsPerDay: 'Credits a day', creditsPerMonth: 'Credits a month', tokensPerDay: 'Tokens a day', tokensPerMonth: 'Tokens a month' };
type NumberName = keyof typeof numbers;
const fieldOf = (name: NumberName) => (budgetNames.some((one) => one === name) ? `budgets.${name}` : name);
const rare: NumberName[] = ['maxConcurrent', 'creditsPerDay', 'tokensPerDay', 'tokensPerMonth'];

// What is named but is not there. Only what surely never matches: a pattern, or the plain name of a model, may match later.
export function useGone() {
  const combos = useCombos();
  const connections = useConnections();
  const models = useModels();
  return useMemo(() => {
    const plain = (model: string) => model.replace(/-\d{8}$/, '').replaceAll('.', '-');
    const names = new Set(combos.data?.map((c) => c.name));
    const accounts = new Set(connections.data?.map((c) => `${c.provider}/${c.name}`));
    const served = new Set(models.data?.map((m) => plain(`${m.owned_by}/${m.id.split('/').slice(2).join('/')}`)));
    return {
      combo: (name: string) => combos.data !== undefined && !name.includes('*') && !names.has(name),
      model: (name: string) => {
        if (!connections.data || !models.data) return false;
        const [provider, second, ...rest] = name.split('/');
        const account = `${provider}/${second}`;
        if (!second || account.includes('*') || accounts.has(account)) return false;
        return rest.length > 0 || !served.has(plain(account));
      },
    };
  }, [combos.data, connections.data, models.data]);
}

// For the browser's own field of a moment, which knows no zone: the time here.
const local = (at: string) => new Date(Date.parse(at) - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

function start(key?: Key) {
  const limits = Object.fromEntries(Object.keys(numbers).map((name) => [name, key?.[name as 'maxConcurrent'] ?? key?.budgets?.[name as keyof Budgets] ?? ''])) as Record<NumberName, Limit>;
  return { name: key?.name ?? '', scopes: (key?.scopes ?? ['inference']) as string[], combos: key?.combos ?? [], models: key?.models ?? [], expiresAt: key?.expiresAt ? local(key.expiresAt) : '', ...limits };
}
type Form = ReturnType<typeof start>;

// Only what differs from what was there; an empty limit is null.
function changes(now: Form, was: Form) {
  const body: Record<string, unknown> = {};
  const budgets: Record<string, unknown> = {};
  const differs = (name: keyof Form) => JSON.stringify(now[name]) !== JSON.stringify(was[name]);
  for (const name of ['scopes', 'combos', 'models'] as const) if (differs(name)) body[name] = now[name];
  for (const name of Object.keys(numbers) as NumberName[]) if (differs(name)) (fieldOf(name) === name ? body : budgets)[name] = now[name] === '' ? null : Number(now[name]);
  if (differs('name')) body.name = now.name.trim();
  if (differs('expiresAt')) body.expiresAt = now.expiresAt ? new Date(now.expiresAt).toISOString() : null;
  return Object.keys(budgets).length ? { ...body, budgets } : body;
}

// Kept all the same: what is named may come later.
export function Warnings({ of: list }: { of: Warning[] }) {
  const box = useRef<HTMLDivElement>(null);
  // A form that is longer than the screen has them out of sight.
  useEffect(() => { if (list.length > 0) box.current?.scrollIntoView({ block: 'center' }); }, [list.length]);
  return (
    <div aria-live="polite" ref={box}>
      {list.length > 0 && (
        <Alert color="yellow" p="xs" title="The key is saved, but some of its names let nothing in at present">
          <ul className="points wrap">{list.map((w) => <li key={w.field} dir="auto">{w.message}</li>)}</ul>
        </Alert>
      )}
    </div>
  );
}

export function KeyForm({ of: key, close, made }: { of?: Key; close: () => void; made: (secret: string, warnings: Warning[]) => void }) {
  const combos = useCombos();
  const models = useModels();
  const gone = useGone();
  const [was, setWas] = useState(() => start(key));
  const [form, setForm] = useState(was);
  const [warnings, setWarnings] = useState<Warning[]>();
  const [more, setMore] = useState(() => rare.some((name) => was[name] !== ''));
  const set = (part: Partial<Form>) => setForm((old) => ({ ...old, ...part }));
  const comboNames = combos.data?.map((c) => c.name) ?? [];
  const fields = ['name', 'scopes', 'combos', 'models', 'expiresAt', ...Object.keys(numbers).map((name) => fieldOf(name as NumberName))];
  const body = changes(form, was);
  const save = useChange(
    (sent: Form) => (key ? call<Answer>('PATCH', `/api/keys/${id(key.id)}`, changes(sent, was)) : call<Answer>('POST', '/api/keys', { scopes: sent.scopes, ...changes(sent, was) })),
    ['keys'], ({ secret, warnings: found = [] }, sent) => {
      if (!secret && found.length > 0) { setWas(sent); setWarnings(found); return; }
      close();
      if (secret) made(secret, found); else say('Saved.');
    }, fields);
  const error = (field: string) => ({ error: errorAt(save.error, field), errorProps: { role: 'alert' } });
  const number = (name: NumberName) => (
    <NumberInput key={name} label={numbers[name]} {...error(fieldOf(name))} placeholder="No limit" min={0} allowNegative={false} allowDecimal={name.startsWith('credits')} thousandSeparator=" " value={form[name]} onChange={(value) => set({ [name]: value })} />
  );
  // Of the last save, without what was taken out since. What the service said is not said twice.
  const listOf = (w: Warning) => (w.field.startsWith('combos') ? 'combos' : 'models');
  const warned = (warnings ?? []).filter((w) => form[listOf(w)].includes(w.name));
  const open = (list: 'combos' | 'models') => form[list].filter((name) => !warned.some((w) => w.name === name && listOf(w) === list));
  const lost = [...open('combos').filter(gone.combo), ...open('models').filter(gone.model)];
  // A combo's name is no model's: it would let nothing in.
  const misplaced = open('models').filter((name) => comboNames.includes(name));
  return (
    <Modal opened onClose={close} size="lg" title={key ? `Edit ${key.name}` : 'New key'}>
      <form onSubmit={(e) => { e.preventDefault(); save.mutate(form); }}>
        <Stack>
          <TextInput label="Name" {...error('name')} description="What it is for, for example laptop" value={form.name} maxLength={100} required data-autofocus onChange={(e) => set({ name: e.currentTarget.value })} />
          <MultiSelect label="May" {...error('scopes')} value={form.scopes} onChange={(scopes) => set({ scopes })} data={Object.entries(texts.scopes).map(([value, label]) => ({ value, label }))} />
          <TagsInput label="Only these combos" {...error('combos')} description="* stands for any text" data={comboNames} limit={100} acceptValueOnBlur value={form.combos} onChange={(list) => set({ combos: list })} />
          <TagsInput label="Only these models and accounts" {...error('models')} description="For example kiro/*. With neither combos nor models named, all are allowed." data={models.data?.filter((m) => m.owned_by !== 'combo').map((m) => m.id) ?? []} limit={100} acceptValueOnBlur value={form.models} onChange={(list) => set({ models: list })} />
          {lost.length > 0 && <Text size="sm" c="orange">Not there any more: {lost.join(', ')}</Text>}
          {misplaced.length > 0 && <Text size="sm" c="orange">{misplaced.join(', ')}: a combo counts only among the combos.</Text>}
          <SimpleGrid cols={{ base: 1, xs: 2 }}>{number('requestsPerMinute')}{number('creditsPerMonth')}</SimpleGrid>
          <TextInput type="datetime-local" label="Expires" {...error('expiresAt')} description="Empty: never" value={form.expiresAt} onChange={(e) => set({ expiresAt: e.currentTarget.value })} />
          <details open={more || rare.some((name) => errorAt(save.error, fieldOf(name)))} onToggle={(e) => setMore(e.currentTarget.open)}>
            <summary>More limits</summary>
            <SimpleGrid cols={{ base: 1, xs: 2 }} mt="xs">{rare.map(number)}</SimpleGrid>
            <Text size="xs" c="dimmed" mt="xs">Days and months are UTC's. Requests under way can pass a budget; the next one is refused.</Text>
          </details>
          <Warnings of={warned} />
          <Group justify="flex-end"><Button variant="default" onClick={close}>{warnings ? 'Close' : 'Cancel'}</Button><Button type="submit" loading={save.isPending} disabled={!form.name.trim() || form.scopes.length === 0 || (key && Object.keys(body).length === 0)}>{key ? 'Save' : 'Make it'}</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
