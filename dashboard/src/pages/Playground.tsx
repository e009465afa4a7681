// A chat through a combo or an account, showing who answered.
import { Alert, Badge, Button, Card, Group, Select, Stack, Text, Textarea } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { Link, useSearchParams } from 'react-router-dom';
import { base } from '../api/client';
import { useModels } from '../api/hooks';
import { Loaded, Nothing, Page } from '../components/Page';

interface Turn { role: 'user' | 'assistant'; text: string; by?: string; attempts?: string; error?: string; ms?: number }

export default function Playground() {
  const [query] = useSearchParams();
  const models = useModels();
  const [model, setModel] = useState(query.get('model') ?? '');
  const [turns, setTurns] = useState<Turn[]>([]);
  const [text, setText] = useState('');
  const running = useRef<AbortController>();
  const [busy, setBusy] = useState(false);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => { if (!model && models.data?.length) setModel(models.data[0].id); }, [model, models.data]);
  useEffect(() => { end.current?.scrollIntoView({ block: 'nearest' }); }, [turns]);
  useEffect(() => () => running.current?.abort(), []);

  const send = async () => {
    const question = text.trim();
    if (!question || busy || !model) return;
    const history = [...turns.filter((t) => !t.error), { role: 'user' as const, text: question }];
    setTurns([...turns, { role: 'user', text: question }, { role: 'assistant', text: '' }]);
    setText('');
    setBusy(true);
    const abort = (running.current = new AbortController());
    const started = performance.now();
    const last = (change: (turn: Turn) => Turn) => setTurns((old) => [...old.slice(0, -1), change(old[old.length - 1])]);
    try {
      const response = await fetch(`${base}/v1/chat/completions`, {
        method: 'POST', signal: abort.signal, headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ model, stream: true, messages: history.map((t) => ({ role: t.role, content: t.text })) }),
      });
      const by = response.headers.get('x-omniroute-connection') ?? undefined;
      const attempts = response.headers.get('x-omniroute-attempts') ?? undefined;
      if (!response.ok || !response.body) {
        const body = await response.text();
        let message = body;
        try { message = JSON.parse(body).error.message; } catch { /* shown as it came */ }
        last((t) => ({ ...t, error: message, by, attempts }));
        return;
      }
      last((t) => ({ ...t, by, attempts }));
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let pending = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        pending += value;
        const lines = pending.split('\n');
        pending = lines.pop()!;
        for (const line of lines) {
          if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
          const event = JSON.parse(line.slice(6));
          if (event.error) last((t) => ({ ...t, error: event.error.message }));
          const delta = event.choices?.[0]?.delta?.content;
          if (delta) last((t) => ({ ...t, text: t.text + delta }));
        }
      }
      last((t) => ({ ...t, ms: performance.now() - started }));
    } catch (error) {
      const stopped = abort.signal.aborted;
      last((t) => ({ ...t, error: stopped ? 'Stopped.' : error instanceof Error ? error.message : String(error) }));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Page title="Playground" intro="Ask through a combo or an account, and see who answered. It uses credits like any other client.">
      <Loaded query={models}>
        {(all) => all.length === 0 && !model ? <Nothing title="Nobody can answer yet"><Button component={Link} to="/providers/add">Add an account</Button></Nothing> : <Select label="Model" searchable limit={100} value={model} onChange={(v) => v && setModel(v)} data={all.some((m) => m.id === model) || !model ? all.map((m) => m.id) : [model, ...all.map((m) => m.id)]} maw={480} nothingFoundMessage="Nothing of that name" />}
      </Loaded>
      <Stack gap="sm" aria-live="polite">
        {turns.map((t, i) => (
          <Card withBorder key={i} bg={t.role === 'user' ? 'var(--mantine-color-default-hover)' : undefined} padding="sm">
            <Group gap="xs" mb={4}>
              <Text size="sm" fw={600}>{t.role === 'user' ? 'You' : (t.by ?? 'Answer')}</Text>
              {t.attempts && t.attempts !== '1' && <Badge variant="light" color="orange" tt="none">{t.attempts} attempts</Badge>}
              {t.ms && <Text size="xs" c="dimmed">{(t.ms / 1000).toFixed(1)} s</Text>}
            </Group>
            <Text size="sm" style={{ whiteSpace: 'pre-wrap' }} className="wrap" dir="auto">{t.text || (busy && i === turns.length - 1 ? '...' : '')}</Text>
            {t.error && <Alert color="red" mt="xs" p="xs" role="alert">{t.error}</Alert>}
          </Card>
        ))}
        <div ref={end} />
      </Stack>
      <form onSubmit={(e) => { e.preventDefault(); void send(); }}>
        <Group align="flex-end">
          <Textarea flex={1} label="Message" autosize minRows={1} maxRows={8} value={text} onChange={(e) => setText(e.currentTarget.value)}
            onKeyDown={(e) => { if (e.key === 'Enter' && !e.shiftKey && !e.nativeEvent.isComposing) { e.preventDefault(); void send(); } }} />
          {busy ? <Button variant="default" onClick={() => running.current?.abort()}>Stop</Button> : <Button type="submit" disabled={!text.trim() || !model}>Send</Button>}
          {turns.length > 0 && !busy && <Button variant="subtle" onClick={() => setTurns([])}>Clear</Button>}
        </Group>
      </form>
    </Page>
  );
}
