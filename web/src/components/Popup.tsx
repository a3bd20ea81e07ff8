import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  label: ComponentChildren;
  /** What it is called where the label is not text enough. */
  title?: string;
  class?: string;
  disabled?: boolean;
  /** What is in it; `close` closes it and gives the focus back. */
  children: (close: () => void) => ComponentChildren;
}

/** Pixels between a panel and the window's edge. */
const MARGIN = 8;

/** A button that opens a panel below it. Escape, and a click elsewhere, close it. */
export function Popup({ label, title, class: name, disabled, children }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    const elsewhere = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', elsewhere);
    addEventListener('focusin', elsewhere);
    return () => {
      removeEventListener('pointerdown', elsewhere);
      removeEventListener('focusin', elsewhere);
    };
  }, [open]);
  // What would stand out of the window is moved into it.
  useLayoutEffect(() => {
    const { current } = panel;
    if (!open || !current) return;
    const { left, right } = current.getBoundingClientRect();
    const room = document.documentElement.clientWidth - MARGIN;
    const by = Math.max(MARGIN - left, Math.min(0, room - right));
    if (by) current.style.translate = `${by}px`;
  }, [open]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && open) {
      event.stopPropagation();
      close();
    }
  };
  return (
    <div class={`popup ${name ?? ''}`} ref={box} onKeyDown={onKeyDown}>
      <button type="button" ref={button} aria-expanded={open} aria-label={title} title={title} disabled={disabled} onClick={() => setOpen(!open)}>
        {label}
      </button>
      {open && <div class="panel" ref={panel}>{children(close)}</div>}
    </div>
  );
}
