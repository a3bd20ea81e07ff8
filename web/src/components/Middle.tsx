/** The most of a name's end that is always seen. */
const END = 8;

/** A name that, where there is no room for it, is cut in its middle: those of one kind differ at their ends. */
export function Middle({ text }: { text: string }) {
  const end = Math.min(END, Math.floor(text.length / 2));
  return <span class="middle" title={text}><span>{text.slice(0, text.length - end)}</span><span>{text.slice(text.length - end)}</span></span>;
}
