import { createHmac, randomBytes } from 'node:crypto';
import type { Reply, Request } from './http.ts';

export interface App {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Gives tokens to one app by the flow of client credentials, and knows which of them still hold. */
export class Tokens {
  /** Seconds that new tokens live. */
  life = 3600;
  /** Application permissions that new tokens carry. */
  roles: readonly string[];
  readonly #app: App;
  readonly #key = randomBytes(32);
  #revokedBefore = 0;
  #issued = 0;

  constructor(app: App, roles: readonly string[]) {
    this.#app = app;
    this.roles = roles;
  }

  /** Every token given so far is refused from now on. */
  revoke(): void {
    this.#revokedBefore = this.#issued + 1;
  }

  /** The roles of a request's token, or undefined where it has none that holds. */
  rolesOf(authorization: string | undefined): readonly string[] | undefined {
    const [, head, body, signature] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization ?? '') ?? [];
    if (body === undefined || this.#sign(`${head}.${body}`) !== signature) return undefined;
    const { exp, number, roles } = JSON.parse(Buffer.from(body, 'base64url').toString()) as {
      exp: number;
      number: number;
      roles: readonly string[];
    };
    return exp * 1000 > Date.now() && number >= this.#revokedBefore ? roles : undefined;
  }

  /** Answers at the address of the tokens. */
  answer({ path, method, headers, body }: Request): Reply {
    const { tenantId, clientId, clientSecret } = this.#app;
    const base = `https://${headers.host}/${tenantId}`;
    if (path === `/${tenantId}/v2.0/.well-known/openid-configuration`) {
      return {
        status: 200,
        body: {
          issuer: `${base}/v2.0`,
          authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
          token_endpoint: `${base}/oauth2/v2.0/token`,
          jwks_uri: `${base}/discovery/v2.0/keys`,
        },
      };
    }
    if (path !== `/${tenantId}/oauth2/v2.0/token` || method !== 'POST') {
      return refusal(400, 'invalid_request', 90002, 'Tenant not found.');
    }
    const form = new URLSearchParams(body.toString('utf8'));
    if (form.get('grant_type') !== 'client_credentials') return refusal(400, 'unsupported_grant_type', 70003, 'Grant.');
    if (form.get('client_id') !== clientId) {
      return refusal(400, 'unauthorized_client', 700016, 'Application was not found in the directory.');
    }
    if (
      !form
        .get('scope')
        ?.split(' ')
        .some((scope) => scope.endsWith('/.default'))
    ) {
      return refusal(400, 'invalid_scope', 70011, 'The scope must end with /.default.');
    }
    // A signed assertion stands for a certificate; whose it is, is not looked at.
    const certified = form.get('client_assertion_type')?.endsWith(':jwt-bearer') && form.get('client_assertion');
    if (form.get('client_secret') !== clientSecret && !certified) {
      return refusal(401, 'invalid_client', 7000215, 'Invalid client secret provided.');
    }
    const { life } = this;
    return {
      status: 200,
      body: { token_type: 'Bearer', expires_in: life, ext_expires_in: life, access_token: this.#make() },
    };
  }

  #make(): string {
    const { tenantId, clientId } = this.#app;
    this.#issued += 1;
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      aud: 'https://graph.microsoft.com',
      tid: tenantId,
      appid: clientId,
      iat: now,
      exp: now + this.life,
    };
    const body = encode({ ...claims, number: this.#issued, roles: this.roles });
    const head = encode({ typ: 'JWT', alg: 'HS256' });
    return `${head}.${body}.${this.#sign(`${head}.${body}`)}`;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function refusal(status: number, error: string, code: number, text: string): Reply {
  return { status, body: { error, error_description: `AADSTS${code}: ${text}`, error_codes: [code] } };
}
