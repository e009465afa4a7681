// A moment as people say it, the exact local time on hover.
import { useSyncExternalStore } from 'react';
import { hint } from './Hint';

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

// One clock for all moments of a page; one whose words stay the same is not drawn anew.
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(() => listeners.forEach((one) => one()), 10_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

export function Time({ at, none = '-' }: { at?: string | number | null; none?: string }) {
  const moment = at ? new Date(at) : undefined;
  const words = useSyncExternalStore(subscribe, () => (moment ? ago(moment.getTime(), Date.now()) : none));
  if (!moment) return <span className="faint">{words}</span>;
  return <time dateTime={moment.toISOString()} tabIndex={0} {...hint(moment.toLocaleString())}>{words}</time>;
}
