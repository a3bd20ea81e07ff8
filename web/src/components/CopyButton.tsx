import { useState } from 'preact/hooks';

interface Props {
  label: string;
  title?: string;
  disabled?: boolean;
  text: () => string;
}

/** Copies a text, and says whether that worked: browsers refuse it where the page is not in front. */
export function CopyButton({ label, title, disabled, text }: Props) {
  const [said, say] = useState<string>();
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      say('Copied');
    } catch {
      say('Not allowed');
    }
    setTimeout(() => say(undefined), 1500);
  };
  return <button type="button" title={title} disabled={disabled} onClick={() => void copy()}><span aria-live="polite">{said ?? label}</span></button>;
}
