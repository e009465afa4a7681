// An account's state and isolation, never by colour alone.
import { Badge, Tooltip } from '@mantine/core';
import { texts } from '../texts';

const colours: Record<string, string> = {
  active: 'teal', cooling: 'yellow', exhausted: 'orange', suspended: 'red', reauth_required: 'red', disabled: 'gray',
  dedicated: 'teal', registered: 'blue', shared: 'orange', none_needed: 'gray',
};

export function State({ name, reason }: { name: string; reason?: string }) {
  const badge = <Badge variant="light" color={colours[name] ?? 'gray'} tt="none">{texts.states[name] ?? name}</Badge>;
  return reason ? <Tooltip label={reason} multiline maw={360}>{badge}</Tooltip> : badge;
}

export function Isolation({ value, reason }: { value?: string | null; reason?: string | null }) {
  if (!value) return null;
  const text = texts.isolation[value];
  return (
    <Tooltip label={reason || text?.help || value} multiline maw={360}>
      <Badge variant="outline" color={colours[value] ?? 'gray'} tt="none">{text?.name ?? value}</Badge>
    </Tooltip>
  );
}
