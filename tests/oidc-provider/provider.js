// A real OpenID provider on loopback, for the gateway's tests.
//
// Commands are JSON lines on standard input, answers JSON lines on standard output; it ends when
// standard input closes, so that no test can leave it running.
//
//   {"command":"start","port":8401,"keys":["k1"]}  -> {"issuer":"http://127.0.0.1:8401"}
//   {"command":"rotate","keys":["k2"]}             -> {"keys":["k2"]}
//   {"command":"mint","subject":"alice","audience":"https://api.test","ttl":60}
//                                                  -> {"token":"eyJ…"}
//
// `keys` are key ids, the signing key first; a key is made when its id is seen first. Machine
// clients use the token endpoint itself (client credentials). `mint` stands for a user's sign-in:
// it asks the provider's own access token model, so that the token is signed and shaped like any
// other that it issues.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

// Standard output holds answers only; the library's notices go to standard error.
console.log = console.error;
console.info = console.error;
console.warn = console.error;

const { default: Provider } = await import('oidc-provider');

const CLIENTS = ['robot', 'sender', 'stranger'].map((client_id) => ({
  client_id,
  client_secret: `${client_id}-secret`,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
}));

const knownKeys = new Map();
let issuer;
let provider;

function key(kid) {
  if (!knownKeys.has(kid)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = privateKey.export({ format: 'jwk' });
    knownKeys.set(kid, { ...jwk, kid, alg: 'RS256', use: 'sig' });
  }
  return knownKeys.get(kid);
}

/** Every resource indicator is an API whose access tokens are JWTs with that audience. */
function resourceServer(audience) {
  return {
    audience,
    scope: 'observe',
    accessTokenFormat: 'jwt',
    accessTokenTTL: 300,
    jwt: { sign: { alg: 'RS256' } },
  };
}

function makeProvider(kids) {
  return new Provider(issuer, {
    clients: CLIENTS,
    jwks: { keys: kids.map(key) },
    cookies: { keys: ['no browser ever comes here'] },
    ttl: { AccessToken: 300, ClientCredentials: 300 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, audience) => resourceServer(audience),
      },
    },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  });
}

const commands = {
  async start({ port = 0, keys }) {
    const server = createServer((request, response) => provider.callback()(request, response));
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    issuer = `http://127.0.0.1:${server.address().port}`;
    provider = makeProvider(keys);
    return { issuer };
  },

  async rotate({ keys }) {
    provider = makeProvider(keys);
    return { keys };
  },

  async mint({ subject, audience, ttl = 300 }) {
    const token = new provider.AccessToken({
      accountId: subject,
      client: await provider.Client.find('robot'),
      scope: 'observe',
      expiresIn: ttl, // below zero for a token that has expired
    });
    token.resourceServer = new provider.ResourceServer(audience, resourceServer(audience));
    return { token: await token.save() };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { command, ...options } = JSON.parse(line);
    answer = await commands[command](options);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
