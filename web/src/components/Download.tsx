import { render, type Format } from '../lib/download';
import { filename } from '../lib/filename';
import type { Line } from '../lib/lines';
import type { Span } from '../lib/time';
import { place } from '../state/place';
import { CopyButton } from './CopyButton';
import { Popup } from './Popup';

const FORMATS: [Format, string, string, string][] = [
  ['text', 'Text', 'txt', 'text/plain'],
  ['json', 'JSON', 'json', 'application/json'],
  ['csv', 'CSV', 'csv', 'text/csv'],
];

/** The lines that are shown, to the clipboard or into a file. */
export function Download({ lines, range }: { lines: readonly Line[]; range: Span | undefined }) {
  const save = (format: Format, ending: string, type: string): void => {
    const url = URL.createObjectURL(new Blob([render(lines, format)], { type }));
    const link = document.createElement('a');
    link.href = url;
    link.download = filename(place.value.project, place.value.resource, lines, range, ending);
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <>
      <CopyButton label="Copy" title="Copy the lines" disabled={!lines.length} text={() => render(lines, 'text')} />
      <Popup class="end" label="Download" disabled={!lines.length}>
        {(close) => (
          <ul class="menu">
            {FORMATS.map(([format, label, ending, type]) => (
              <li key={format}>
                <button type="button" onClick={() => { save(format, ending, type); close(); }}>{label}</button>
              </li>
            ))}
          </ul>
        )}
      </Popup>
    </>
  );
}
