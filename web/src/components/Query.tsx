import { useEffect, useState } from 'preact/hooks';
import type { Language } from '../api/scope';
import type { Piece } from '../editor/paint';

/** A query to read: plain at once, and in colours as soon as its grammar is there. */
export function Query({ language, text }: { language: Language; text: string }) {
  const [found, setFound] = useState<{ text: string; pieces: Piece[] }>();
  useEffect(() => {
    let gone = false;
    import('../editor/paint').then(
      ({ paint }) => gone || setFound({ text, pieces: paint(language, text) }),
      // Without colours it says the same.
      () => {},
    );
    return () => {
      gone = true;
    };
  }, [language, text]);
  return <code>{found?.text === text ? found.pieces.map((piece, index) => (piece.class ? <span key={index} class={piece.class}>{piece.text}</span> : piece.text)) : text}</code>;
}
