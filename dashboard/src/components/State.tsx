// An account's state and isolation, never by colour alone.
import { Badge } from '@mantine/core';
import { texts } from '../texts';
import { hint } from './Hint';

const colours: Record<string, string> = {
  active: 'teal', cooling: 'yellow', exhausted: 'orange', suspended: 'red', reauth_required: 'red', disabled: 'gray',
  dedicated: 'teal', registered: 'blue', shared: 'orange', none_needed: 'gray',
};

export function State({ name, reason }: { name: string; reason?: string }) {
  return <Badge variant="light" color={colours[name] ?? 'gray'} tt="none" miw="max-content" {...hint(reason)}>{texts.states[name] ?? name}</Badge>;
}

export function Isolation({ value, reason }: { value?: string | null; reason?: string | null }) {
  if (!value) return null;
  const text = texts.isolation[value];
  return <Badge variant="outline" color={colours[value] ?? 'gray'} tt="none" miw="max-content" {...hint(reason || text?.help || value)}>{text?.name ?? value}</Badge>;
}
