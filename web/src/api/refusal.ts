// Which errors are an answer, and which are none.

import { Refused } from './request';

/** Whether the API said no: asked again it says the same. Too much at once, a timeout and what is down are no such. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Refused && error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429;
