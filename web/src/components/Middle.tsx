/** How much of a name's end is always seen. */
const END = 8;

/** A name that, where there is no room for it, is cut in its middle: those of one kind differ at their ends. */
export function Middle({ text }: { text: string }) {
  if (text.length <= END * 2) return <span class="middle" title={text}><span>{text}</span></span>;
  return <span class="middle" title={text}><span>{text.slice(0, -END)}</span><span>{text.slice(-END)}</span></span>;
}
