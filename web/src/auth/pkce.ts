// What proves that the one who redeems a code is the one who asked for it (RFC 7636).

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/** A text that nobody guesses. */
export const secret = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The challenge of a verifier, by S256. */
export async function challenge(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(digest));
}

/** The claims of a token. Its signature is not checked: it came from the issuer's own address (OIDC Core 1.0, section 3.1.3.7). */
export function claims(token: string): Record<string, unknown> {
  const payload = token.split('.')[1] ?? '';
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}
