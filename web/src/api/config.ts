// What the server tells the page: `config.json` beside it.

export interface Config {
  issuer: string;
  client_id: string;
  audience: string;
  scopes: string[];
  /** Whom people without access are to ask, in the operator's words. */
  contact?: string;
  /** Who may be chosen in the demo. */
  users: { name: string; description: string }[];
  version: string;
}

let read: Promise<Config> | undefined;

export function config(): Promise<Config> {
  read ??= fetch(new URL('config.json', document.baseURI)).then((answer) => {
    if (!answer.ok) throw new Error(`the server does not say how to sign in (${answer.status})`);
    return answer.json() as Promise<Config>;
  });
  return read;
}
