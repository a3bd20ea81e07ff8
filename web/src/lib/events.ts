// Server-sent events from a stream of bytes (WHATWG HTML, section 9.2.6). EventSource cannot send a
// token, and fetch can.

export interface ServerEvent {
  name: string;
  data: string;
  id: string | undefined;
}

/** Takes text as it comes and gives the events that are complete. */
export function parser(): (chunk: string) => ServerEvent[] {
  let rest = '';
  let name = '';
  let data: string[] = [];
  let id: string | undefined;
  return (chunk) => {
    const found: ServerEvent[] = [];
    const pieces = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      if (piece === '') {
        if (data.length) found.push({ name: name || 'message', data: data.join('\n'), id });
        name = '';
        data = [];
        continue;
      }
      const colon = piece.indexOf(':');
      const field = colon < 0 ? piece : piece.slice(0, colon);
      const value = colon < 0 ? '' : piece.slice(colon + 1).replace(/^ /, '');
      if (field === 'data') data.push(value);
      else if (field === 'event') name = value;
      else if (field === 'id') id = value;
    }
    return found;
  };
}
