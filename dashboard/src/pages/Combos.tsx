// Combos: what clients call, and who serves them in which order.
import { ActionIcon, Alert, Badge, Button, Card, Code, Group, Modal, NumberInput, Select, Stack, Switch, Table, TagsInput, Text, TextInput } from '@mantine/core';
import { closestCenter, DndContext, KeyboardSensor, PointerSensor, useSensor, useSensors, type DragEndEvent } from '@dnd-kit/core';
import { arrayMove, SortableContext, sortableKeyboardCoordinates, useSortable, verticalListSortingStrategy } from '@dnd-kit/sortable';
import { CSS } from '@dnd-kit/utilities';
import { IconGripVertical, IconPlus, IconTrash } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { Link } from 'react-router-dom';
import { call, get, id, type Combo, type Explanation } from '../api/client';
import { complain, errorAt, post, say, useChange, useCombos, useConnections } from '../api/hooks';
import { accountsOf, goneOf } from '../api/reach';
import { Loaded, Nothing, Page } from '../components/Page';
import { Time } from '../components/Time';
import { WideTable } from '../components/WideTable';
import { texts } from '../texts';

interface Row { key: number; text: string; weight: number; original?: unknown; gone?: string[] }
let nextKey = 1;

export default function Combos() {
  const combos = useCombos();
  const connections = useConnections();
  const [edited, setEdited] = useState<Combo | 'new'>();
  const [explained, setExplained] = useState<Explanation>();
  const explain = useChange((c: Combo) => post<Explanation>(`/api/combos/${id(c.id)}/explain`), [], setExplained);
  const remove = useChange((c: Combo) => call('DELETE', `/api/combos/${id(c.id)}`), ['combos'], (_, c) => say(`${c.name} is deleted.`));
  const [doomed, setDoomed] = useState<Combo>();
  const again = (combo: Combo) => get<Combo>(`/api/combos/${id(combo.id)}`).then(setEdited, complain);
  return (
    <Page title="Combos" intro="A client sends a combo's name as model. When one account cannot, the next one does." actions={<Button leftSection={<IconPlus size={16} />} onClick={() => setEdited('new')}>New combo</Button>}>
      <Loaded query={combos}>
        {(all) =>
          all.length === 0 ? (
            <Nothing title="No combo yet"><Button onClick={() => setEdited('new')}>Make one</Button></Nothing>
          ) : (
            all.map((combo) => (
              <Card withBorder key={combo.id} component="article" aria-label={combo.name}>
                <Group justify="space-between" align="flex-start">
                  <Stack gap={4} miw={0}>
                    <Text fw={600} className="wrap" dir="auto">{combo.name}</Text>
                    <Text size="sm" c="dimmed">{texts.strategies[combo.strategy] ?? combo.strategy}</Text>
                    <Group gap={6}>{combo.models.map((m, i) => <Badge key={i} variant="light" tt="none">{m}</Badge>)}</Group>
                    {connections.data && <Left of={combo} none={accountsOf(combo, { combos: all, connections: connections.data }).length === 0} />}
                  </Stack>
                  <Group gap={6} wrap="nowrap">
                    <Button size="xs" px="xs" variant="light" onClick={() => explain.mutate(combo)}>Explain</Button>
                    <Button size="xs" px="xs" variant="light" component={Link} to={`/playground?model=${id(combo.name)}`}>Try it</Button>
                    <Button size="xs" px="xs" variant="default" onClick={() => setEdited(combo)}>Edit</Button>
                    <Button size="xs" px="xs" variant="subtle" color="red" onClick={() => setDoomed(combo)}>Delete</Button>
                  </Group>
                </Group>
              </Card>
            ))
          )
        }
      </Loaded>
      {edited && <Editor key={edited === 'new' ? edited : edited.version ?? edited.updatedAt} combo={edited === 'new' ? undefined : edited} again={again} close={() => setEdited(undefined)} />}
      {doomed && (
        <Modal opened onClose={() => setDoomed(undefined)} title={`Delete ${doomed.name}?`}>
          <Stack>
            <Text size="sm">Clients that send <Code>{doomed.name}</Code> as model will be refused. The accounts stay.</Text>
            <Group justify="flex-end"><Button variant="default" onClick={() => setDoomed(undefined)} data-autofocus>Keep it</Button><Button color="red" onClick={() => { remove.mutate(doomed); setDoomed(undefined); }}>Delete</Button></Group>
          </Stack>
        </Modal>
      )}
      {explained && <Explained data={explained} close={() => setExplained(undefined)} />}
    </Page>
  );
}

// What became of its targets.
function Left({ of: combo, none }: { of: Combo; none: boolean }) {
  const gone = combo.missing.length > 0 ? `Gone: ${combo.missing.join(', ')}. ` : '';
  if (none) return <Text size="sm" c="red" className="wrap">{gone}Nothing is left to serve: requests fail.</Text>;
  return gone ? <Text size="sm" c="orange" className="wrap">{gone}The others serve on.</Text> : null;
}

function Explained({ data, close }: { data: Explanation; close: () => void }) {
  return (
    <Modal opened onClose={close} size="xl" title={`Who serves ${data.combo ?? data.model}?`}>
      <Stack>
        <Alert color={data.picked ? 'teal' : 'red'}>{data.picked ? `${data.picked} would answer now${data.sticky ? ', because the conversation is with it' : ''}.` : <>Nobody can answer now. {data.backAt && <>The first may be back <Time at={data.backAt} />.</>}</>}</Alert>
        <WideTable label="Candidates" width={480}>
            <Table.Thead><Table.Tr><Table.Th>Account</Table.Th><Table.Th>Model</Table.Th><Table.Th>Verdict</Table.Th><Table.Th>Why</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {data.candidates.map((c, i) => (
                <Table.Tr key={i}>
                  <Table.Td className="wrap">{c.provider}/{c.connection}</Table.Td><Table.Td>{c.model}</Table.Td><Table.Td>{texts.verdicts[c.verdict] ?? c.verdict}</Table.Td>
                  <Table.Td className="wrap told">{c.reason}{c.detail && ` (${c.detail})`}{c.until && <>, until <Time at={c.until} /></>}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </WideTable>
        {data.missing.length > 0 && <Text size="sm" c="orange">Gone: {data.missing.join(', ')}</Text>}
      </Stack>
    </Modal>
  );
}

function SortableRow({ row, weighted, change, remove }: { row: Row; weighted: boolean; change: (weight: number) => void; remove: () => void }) {
  const { attributes, listeners, setNodeRef, transform, transition } = useSortable({ id: row.key });
  return (
    <Group ref={setNodeRef} style={{ transform: CSS.Transform.toString(transform), transition }} wrap="nowrap" gap="xs">
      <ActionIcon variant="subtle" color="gray" style={{ cursor: 'grab', touchAction: 'none' }} {...attributes} {...listeners} aria-label={`Move ${row.text}`}><IconGripVertical size={16} /></ActionIcon>
      <Text flex={1} className="wrap" size="sm">{row.text}{row.gone?.length ? <span className="warn"> ({row.gone.join(', ')} is gone)</span> : null}</Text>
      {weighted && <NumberInput w={90} size="xs" min={0} max={100} value={row.weight} onChange={(v) => change(Number(v) || 0)} aria-label={`Weight of ${row.text}`} />}
      <ActionIcon variant="subtle" color="red" onClick={remove} aria-label={`Remove ${row.text}`}><IconTrash size={16} /></ActionIcon>
    </Group>
  );
}

function Editor({ combo, again, close }: { combo?: Combo; again: (combo: Combo) => void; close: () => void }) {
  const connections = useConnections();
  const combos = useCombos();
  const [name, setName] = useState(combo?.name ?? '');
  const [strategy, setStrategy] = useState<string>(combo?.strategy ?? 'priority');
  const [sticky, setSticky] = useState(combo?.options.sticky ?? true);
  const [rows, setRows] = useState<Row[]>(() =>
    (combo?.targets ?? []).map((target, i) => ({ key: nextKey++, text: combo!.models[i], weight: typeof target === 'object' ? ((target as { weight?: number }).weight ?? 1) : 1, original: target, gone: goneOf(combo!, i) })));
  const sensors = useSensors(useSensor(PointerSensor), useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }));
  const choices = useMemo(() => [
    ...(connections.data ?? []).map((c) => `${c.provider}/${c.name}`),
    ...(combos.data ?? []).filter((c) => c.id !== combo?.id).map((c) => c.name),
  ], [connections.data, combos.data, combo?.id]);
  const weighted = strategy === 'weighted';
  // A target that was not touched goes back as it came, with whatever this page does not show.
  const targets = rows.map((row) => {
    const whole = typeof row.original === 'object' && row.original ? (row.original as object) : { text: row.text };
    return weighted ? { ...whole, weight: row.weight } : typeof row.original === 'object' ? whole : row.text;
  });
  // Only what was changed: what somebody else changes meanwhile is not put back.
  const changes: Partial<Record<keyof Combo, unknown>> = {};
  if (name.trim() !== combo?.name) changes.name = name.trim();
  if (strategy !== combo?.strategy) changes.strategy = strategy;
  if (JSON.stringify(targets) !== JSON.stringify(combo?.targets)) changes.targets = targets;
  if (sticky !== (combo?.options.sticky ?? true)) changes.options = { sticky };
  const save = useChange(
    () => (combo ? call('PUT', `/api/combos/${id(combo.id)}`, changes, combo.version ? { 'If-Match': `"${combo.version}"` } : {}) : post('/api/combos', changes)),
    ['combos'], () => { say('Saved.'); close(); }, ['name', 'targets', 'If-Match']);
  const outdated = errorAt(save.error, 'If-Match');
  const dragged = ({ active, over }: DragEndEvent) => {
    if (!over || active.id === over.id) return;
    setRows((old) => arrayMove(old, old.findIndex((r) => r.key === active.id), old.findIndex((r) => r.key === over.id)));
  };
  return (
    <Modal opened onClose={close} size="lg" title={combo ? `Edit ${combo.name}` : 'New combo'}>
      <form onSubmit={(e) => { e.preventDefault(); save.mutate(undefined); }}>
        <Stack>
          <TextInput label="Name" error={errorAt(save.error, 'name')} errorProps={{ role: 'alert' }} description="What clients send as model" value={name} maxLength={100} required onChange={(e) => setName(e.currentTarget.value)} data-autofocus />
          <Select label="Who serves" value={strategy} allowDeselect={false} onChange={(v) => v && setStrategy(v)} data={Object.entries(texts.strategies).map(([value, label]) => ({ value, label }))} />
          <TagsInput error={errorAt(save.error, 'targets')} errorProps={{ role: 'alert' }} label="Add accounts, models or combos" description="For example kiro/kiro-dev, or kiro/kiro-dev/claude-sonnet-4.5" data={choices} limit={100} value={[]} clearable={false}
            onChange={(added) => setRows((old) => [...old, ...added.map((text) => ({ key: nextKey++, text, weight: 1 }))])} />
          {rows.length > 0 && (
            <Card withBorder padding="xs">
              <DndContext sensors={sensors} collisionDetection={closestCenter} onDragEnd={dragged}>
                <SortableContext items={rows.map((r) => r.key)} strategy={verticalListSortingStrategy}>
                  <Stack gap={4}>
                    {rows.map((row) => (
                      <SortableRow key={row.key} row={row} weighted={weighted} change={(weight) => setRows((old) => old.map((r) => (r.key === row.key ? { ...r, weight } : r)))} remove={() => setRows((old) => old.filter((r) => r.key !== row.key))} />
                    ))}
                  </Stack>
                </SortableContext>
              </DndContext>
            </Card>
          )}
          {changes.targets !== undefined && rows.some((row) => row.gone?.length) && <Text size="sm" c="orange">The targets can be saved once those with something that is gone are removed.</Text>}
          <Switch label="A conversation stays with its account" checked={sticky} onChange={(e) => setSticky(e.currentTarget.checked)} />
          {combo && outdated && (
            <Alert color="orange" role="alert" title="Somebody else changed this combo meanwhile">
              <Stack align="flex-start" gap="xs">
                Nothing was saved. Read again, it shows what they made of it; your changes here are dropped.
                <Button size="xs" variant="default" onClick={() => again(combo)}>Read it again</Button>
              </Stack>
            </Alert>
          )}
          <Group justify="flex-end"><Button variant="default" onClick={close}>Cancel</Button><Button type="submit" loading={save.isPending} disabled={!name.trim() || rows.length === 0 || Object.keys(changes).length === 0}>Save</Button></Group>
        </Stack>
      </form>
    </Modal>
  );
}
