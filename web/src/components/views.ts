// The views that there are. A new one is a line here; all but the first load their code when they are
// looked at.

import type { FunctionComponent } from 'preact';
import type { View } from '../lib/place';
import { later } from './later';
import { Logs } from './Logs';

export const BUILT: Partial<Record<View, FunctionComponent>> = {
  logs: Logs,
  metrics: later(async () => (await import('./Metrics')).Metrics),
  access: later(async () => (await import('./Access')).Access),
};
