// Accounts into a file under a passphrase, and out of one: dialogs of the page Providers. What is secret is held in the
// dialog's own fields alone and is gone when it was used or the dialog is closed.
import { Alert, Badge, Button, FileInput, Group, Modal, MultiSelect, PasswordInput, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { ApiError, call, request } from '../api/client';
import type { components } from '../api/schema';
import { errorAt, say, useChange, useConnections } from '../api/hooks';
import { download, isFit, NewPassphrase, noPassphrase } from '../components/Passphrase';

export function Export({ close }: { close: () => void }) {
  const connections = useConnections();
  const all = connections.data ?? [];
  const [which, setWhich] = useState('all');
  const [chosen, setChosen] = useState<string[]>([]);
  const [passphrase, setPassphrase] = useState(noPassphrase);
  const there = chosen.filter((one) => all.some((c) => c.id === one)); // one may have been deleted meanwhile
  const count = which === 'all' ? all.length : there.length;
  const save = useChange(
    async () => download(await request('POST', '/api/export', { passphrase: passphrase.first, ...(which === 'all' ? {} : { connections: there }) }), 'accounts'),
    ['audit'], () => { setPassphrase(noPassphrase); say(`${count === 1 ? 'One account is' : `${count} accounts are`} in the downloaded file. Keep the passphrase: without it nobody can open it.`); close(); },
    which === 'some' ? ['passphrase', 'connections'] : ['passphrase']);
  return (
    <Modal opened onClose={close} title="Export accounts">
      <form onSubmit={(e) => { e.preventDefault(); save.mutate(undefined); }}>
        <Stack>
          <Alert color="yellow" p="xs" title="Whoever opens the file has the accounts">
            It holds their sign-ins and the passwords of their proxies, encrypted. Send the passphrase by another way than the file, and delete the file once it is imported.
          </Alert>
          <SegmentedControl fullWidth aria-label="Which" value={which} onChange={setWhich} data={[{ value: 'all', label: 'All accounts' }, { value: 'some', label: 'Some of them' }]} />
          {which === 'some' && <MultiSelect label="Accounts" error={errorAt(save.error, 'connections')} errorProps={{ role: 'alert' }} value={there} onChange={setChosen} searchable clearable hidePickedOptions limit={100} nothingFoundMessage="No account is called that" data={all.map((c) => ({ value: c.id, label: `${c.provider}/${c.name}` }))} />}
          <Text size="sm" c="dimmed">{which === 'all' ? 'The combos go along.' : 'Without the combos, which need the other accounts too.'}</Text>
          <NewPassphrase focused label="Passphrase of the file" value={passphrase} change={setPassphrase} error={errorAt(save.error, 'passphrase')} />
          <Text size="sm" c="dimmed">Two services with the same session log each other out: remove the accounts here once they are there.</Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>Cancel</Button>
            <Button type="submit" loading={save.isPending} disabled={count === 0 || !isFit(passphrase)}>{count > 0 ? `Export ${count}` : 'Export'}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

type Report = components['responses']['ImportReport']['content']['application/json'];
type Result = Report['results'][number]['result'];

const bring = async (file: File, passphrase: string) => {
  const bundle = await file.text();
  if (/"format"\s*:\s*"omniroute-backup"/.test(bundle.slice(0, 200))) throw new ApiError(400, 'This is a backup of a whole service. It is brought back on the page Settings.', 'bad_request', 'bundle');
  return call<Report>('POST', '/api/import/bundle', { passphrase, bundle });
};

export function Import({ close }: { close: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [passphrase, setPassphrase] = useState('');
  const [report, setReport] = useState<Report>();
  const read = useChange(() => bring(file!, passphrase), ['connections', 'token-health', 'combos', 'proxies', 'models', 'audit'], (result) => { setPassphrase(''); setReport(result); }, ['bundle', 'passphrase']);
  const leave = () => { if (!read.isPending) close(); }; // or nobody would see what became of it
  return (
    <Modal opened onClose={leave} closeOnClickOutside={!report} size="lg" title="Import accounts from a file">
      <div aria-live="polite">{report && <Text size="sm" fw={600} mb="sm">{summary(report)}</Text>}</div>
      {report ? <Became of={report} close={close} /> : (
        <form onSubmit={(e) => { e.preventDefault(); read.mutate(undefined); }}>
          <Stack>
            <FileInput label="File" data-autofocus placeholder="omniroute-accounts-….json" accept=".json,application/json" value={file} onChange={(chosen) => { setFile(chosen); read.reset(); }} clearable clearButtonProps={{ 'aria-label': 'No file' }} error={errorAt(read.error, 'bundle')} errorProps={{ role: 'alert' }} description="One that Export accounts made, here or on another machine. What is here already stays as it is." />
            <PasswordInput label="Its passphrase" value={passphrase} onChange={(e) => setPassphrase(e.currentTarget.value)} autoComplete="off" error={errorAt(read.error, 'passphrase')} errorProps={{ role: 'alert' }} />
            <Group justify="flex-end">
              <Button variant="default" onClick={leave}>Cancel</Button>
              <Button type="submit" loading={read.isPending} disabled={!file || !passphrase}>Import</Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

const words: Record<Result, string> = { imported: 'New', skipped: 'Already here', refused: 'Not taken' };
const colours: Record<Result, string> = { imported: 'teal', skipped: 'gray', refused: 'red' };

function summary({ imported, skipped, refused }: Report) {
  const accounts = (count: number) => (count === 1 ? '1 account is' : `${count} accounts are`);
  return [`${accounts(imported)} new`, skipped > 0 && `${skipped} already here`, refused > 0 && `${refused} not taken`].filter(Boolean).join(', ') + '.';
}

function Became({ of: report, close }: { of: Report; close: () => void }) {
  const connections = useConnections();
  const called = (one: Report['results'][number]) => connections.data?.find((c) => c.id === one.connectionId)?.name;
  const more = (one: Report['results'][number]) => [
    one.reason,
    one.result === 'skipped' && called(one) && called(one) !== one.name && `It is called ${called(one)} here.`,
    one.renamedFrom && `It was called ${one.renamedFrom}, a name that another account has here.`,
    one.disabled && 'It is disabled.',
    one.note,
  ].filter(Boolean).join(' ');
  const combos = report.combos ?? [];
  return (
    <Stack>
      <Rows label="Accounts" rows={report.results.map((one) => ({ key: one.index, name: one.name ?? `Number ${one.index + 1}`, result: one.result, more: more(one) }))} />
      {combos.length > 0 && <><Text size="sm" fw={600}>Combos</Text><Rows label="Combos" rows={combos.map((one) => ({ key: one.name, name: one.name, result: one.result, more: one.reason ?? '' }))} /></>}
      {report.note && report.imported > 0 && <Alert color="yellow" p="xs">{report.note}</Alert>}
      <Group justify="flex-end"><Button autoFocus onClick={close}>Close</Button></Group>
    </Stack>
  );
}

function Rows({ label, rows }: { label: string; rows: { key: string | number; name: string; result: Result; more: string }[] }) {
  return (
    <ul className="plain" aria-label={label}>
      {rows.map(({ key, name, result, more }) => (
        <li key={key}>
          <span className="line"><Badge variant="light" color={colours[result]} tt="none" miw="max-content">{words[result]}</Badge><span className="wrap" dir="auto">{name}</span></span>
          {more && <Text size="sm" c="dimmed" className="wrap" dir="auto">{more}</Text>}
        </li>
      ))}
    </ul>
  );
}
