// A long list that is drawn bit by bit: some rows at once, the others while nothing else is to do, or when they are scrolled to.
import { startTransition, useEffect, useRef, useState } from 'react';

const step = 40;
// So many are drawn without being asked for, so that the browser's own search finds them.
const unasked = 1000;

const idle: (work: () => void) => () => void = 'requestIdleCallback' in window
  ? (work) => { const asked = requestIdleCallback(work, { timeout: 300 }); return () => cancelIdleCallback(asked); }
  : (work) => { const asked = setTimeout(work, 100); return () => clearTimeout(asked); };

// `end` belongs behind the rows. restart() begins at the top again, for another list.
export function useGrowing(total: number) {
  const [count, setCount] = useState(step);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (count >= total || !end.current) return;
    // Not urgent: React draws the rows between the frames, so that scrolling and typing go on.
    const more = () => startTransition(() => setCount((old) => old + step));
    const seen = new IntersectionObserver(([one]) => { if (one.isIntersecting) more(); }, { rootMargin: '1500px' });
    seen.observe(end.current);
    const cancel = count < unasked ? idle(more) : undefined;
    return () => {
      seen.disconnect();
      cancel?.();
    };
  }, [count, total]);
  return { count, end: count < total ? <div ref={end} aria-hidden className="faint">…</div> : null, restart: () => setCount(step) };
}
