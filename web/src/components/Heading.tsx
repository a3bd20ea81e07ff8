import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

const ID = 'view';
let wanted = false;

/** The next view that opens takes the focus: what had it is gone by then. */
export function want(): void {
  wanted = true;
}

/** Puts the focus on the heading of the view: what had it is about to go. */
export const focusView = (): void => document.getElementById(ID)?.focus({ preventScroll: true });

/** The heading of a view, with which a screen reader goes on after somebody has gone elsewhere. */
export function Heading({ unseen = false, children }: { unseen?: boolean; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!wanted) return;
    wanted = false;
    heading.current?.focus({ preventScroll: true });
  }, []);
  return <h1 ref={heading} id={ID} tabIndex={-1} class={unseen ? 'unseen' : ''}>{children}</h1>;
}
