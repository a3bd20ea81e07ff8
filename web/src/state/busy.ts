import { found, volumes } from './logs';
import { known } from './metrics';
import { underway } from './panel';

/** Whether an answer is on its way to what is looked at. */
export const busy = (): boolean => underway() || [found, volumes, known].some(({ value }) => value.status === 'loading');
