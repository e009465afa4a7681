// A moment as people say it, the exact local time on hover.
import { Text, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

export function ago(at: number, now: number) {
  const distance = at - now;
  const [unit, size] = steps.find(([, s]) => Math.abs(distance) >= s) ?? steps[3];
  return relative.format(Math.trunc(distance / size), unit);
}

export function Time({ at, none = '-' }: { at?: string | number | null; none?: string }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <Text span c="dimmed">{none}</Text>;
  const moment = new Date(at);
  return (
    <Tooltip label={moment.toLocaleString()}>
      <time dateTime={moment.toISOString()} tabIndex={0}>{ago(moment.getTime(), now)}</time>
    </Tooltip>
  );
}
