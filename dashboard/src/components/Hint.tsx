// A word more about something, on hover and on keyboard focus. One box for the whole page: a tooltip component at
// each of some thousand places would make long lists slow. An element asks for it with {...hint('text')}.
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

export const hint = (text?: string | null) => (text ? { 'data-hint': text } : {});

const gap = 6;

export function HintLayer() {
  const [target, setTarget] = useState<Element>();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const find = (event: Event) => (event.target instanceof Element ? event.target : null);
    const point = (event: Event) => {
      // Whoever moves onto the hint itself wants to read or copy it.
      if (!find(event)?.closest('#hint')) setTarget(find(event)?.closest('[data-hint]') ?? undefined);
    };
    const focus = (event: Event) => { if (find(event)?.matches(':focus-visible')) point(event); };
    const hide = () => setTarget(undefined);
    const key = (event: KeyboardEvent) => { if (event.key === 'Escape') hide(); };
    document.addEventListener('pointerover', point);
    document.addEventListener('focusin', focus);
    document.addEventListener('focusout', hide);
    document.addEventListener('keydown', key);
    window.addEventListener('scroll', hide, { capture: true, passive: true });
    window.addEventListener('hashchange', hide);
    return () => {
      document.removeEventListener('pointerover', point);
      document.removeEventListener('focusin', focus);
      document.removeEventListener('focusout', hide);
      document.removeEventListener('keydown', key);
      window.removeEventListener('scroll', hide, { capture: true });
      window.removeEventListener('hashchange', hide);
    };
  }, []);
  useLayoutEffect(() => {
    if (!target || !box.current) return;
    const of = target.getBoundingClientRect();
    const own = box.current.getBoundingClientRect();
    const left = Math.min(Math.max(gap, of.left + (of.width - own.width) / 2), document.documentElement.clientWidth - own.width - gap);
    const above = of.top - own.height - gap;
    box.current.style.left = `${Math.max(gap, left)}px`;
    box.current.style.top = `${above >= gap ? above : of.bottom + gap}px`;
    target.setAttribute('aria-describedby', 'hint');
    return () => target.removeAttribute('aria-describedby');
  }, [target]);
  if (!target) return null;
  return <div ref={box} id="hint" role="tooltip" className="hint" dir="auto">{target.getAttribute('data-hint')}</div>;
}
