// A long list that is drawn as far as it is looked at: some rows at first, more when the end comes near.
import { startTransition, useEffect, useRef, useState } from 'react';

const step = 40;

// `end` belongs behind the rows. restart() begins at the top again, for another list.
export function useGrowing(total: number) {
  const [count, setCount] = useState(step);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (count >= total || !end.current) return;
    const seen = new IntersectionObserver(
      // Not urgent: React draws the rows between the frames, so that scrolling goes on.
      ([one]) => { if (one.isIntersecting) startTransition(() => setCount((old) => old + step)); },
      { rootMargin: '1500px' });
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [count, total]);
  return { count, end: count < total ? <div ref={end} aria-hidden className="faint">…</div> : null, restart: () => setCount(step) };
}
