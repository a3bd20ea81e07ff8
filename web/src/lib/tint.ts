// A line's text in pieces, of which some step back: names of fields in JSON and logfmt, so that values stand out.

export interface Piece {
  text: string;
  isName: boolean;
}

/** Longer lines are shown as they are. */
const LONGEST = 4000;

export function tint(text: string): Piece[] {
  const isJson = text.startsWith('{');
  if (text.length > LONGEST || (!isJson && !/\w=\S/.test(text))) return [{ text, isName: false }];
  const found: Piece[] = [];
  let at = 0;
  const put = (piece: string, isName: boolean): void => {
    if (piece) found.push({ text: piece, isName });
  };
  // A comma in a text is no punctuation: strings are taken whole.
  const tokens = isJson ? /"(?:[^"\\]|\\.)*"(\s*:)?|[{},[\]]/g : /(?:^|(?<=\s))[\w.-]+=/g;
  for (const match of text.matchAll(tokens)) {
    const isName = !isJson || match[1] !== undefined || match[0].length === 1;
    if (!isName) continue;
    put(text.slice(at, match.index), false);
    put(match[0], true);
    at = match.index + match[0].length;
  }
  put(text.slice(at), false);
  return found;
}
