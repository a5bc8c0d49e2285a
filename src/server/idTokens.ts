import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import type { OidcDefinition, Role } from '../define/server.ts';
import { HandoverError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export interface IdTokens {
  /** The header that carries one. */
  readonly header: string;
  /** Throws `access.missing` for one that is not good, `access.denied` for somebody without a role. */
  caller(token: string): Promise<{ readonly name: string; readonly role: Role }>;
}

/** Signed by a key that the provider publishes: nothing with a shared secret, and nothing unsigned. */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'];

/** ID tokens of one provider (OpenID Connect Core 1.0, section 3.1.3.7). Its keys are fetched when they are needed. */
export function idTokens(oidc: OidcDefinition, clock: Clock): IdTokens {
  const { issuer, claim = 'email', header = 'authorization', roles } = oidc;
  const audience = typeof oidc.audience === 'string' ? oidc.audience : [...oidc.audience];
  const keys = createRemoteJWKSet(new URL(oidc.jwks), { timeoutDuration: LIMITS.keySetMs });
  return {
    header,
    async caller(token) {
      const payload = await verified(() =>
        jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: ALGORITHMS,
          requiredClaims: ['exp', claim],
          clockTolerance: LIMITS.idTokenSlackSeconds,
          currentDate: new Date(clock.now()),
        }),
      );
      const name = payload[claim];
      if (typeof name !== 'string' || name === '') {
        throw new HandoverError('access.missing', `The claim ${claim} of the ID token is no text.`);
      }
      if (claim === 'email' && payload['email_verified'] === false) {
        throw new HandoverError('access.missing', 'The provider has not verified the address in the ID token.');
      }
      const role = Object.hasOwn(roles, name) ? roles[name] : roles['*'];
      if (role) return { name, role };
      throw new HandoverError('access.denied', `${name} has no role here.`);
    },
  };
}

/** What the library says of a token is about the token; all else is about fetching keys. */
async function verified(act: () => Promise<{ readonly payload: JWTPayload }>): Promise<JWTPayload> {
  try {
    return (await act()).payload;
  } catch (cause) {
    const unreachable = !(cause instanceof errors.JOSEError) || KEYS.has(cause.code);
    const code = unreachable ? 'access.unreachable' : 'access.missing';
    const detail = unreachable ? 'The keys of the provider could not be fetched' : 'The ID token is not good';
    throw new HandoverError(code, `${detail}: ${messageOf(cause)}.`, {}, { cause });
  }
}

/** The set of keys itself is wrong or late; generic: it was not answered with 200. */
const KEYS: ReadonlySet<string> = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']);
