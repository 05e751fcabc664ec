import { WebSubError } from './errors.js';
import type { HttpFailureReason } from './http-client.js';
import { errors } from './undici.js';

// undici's parser errors have no code.
const BAD_RESPONSE_CODES: ReadonlySet<string | undefined> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

// Node's own, OpenSSL's protocol errors, and the names of X509_V_ERR_….
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$|PATH_LENGTH_)/;

/** The name could not be resolved; the cause says why. */
export class UnresolvedName extends Error {}

/** Why a request failed that ended with this error of undici's, Node's or ours. */
export function failureReason(error: Error & { code?: string }): HttpFailureReason {
  if (error instanceof WebSubError && error.code === 'forbidden_address') return 'forbidden-address';
  if (error.code === 'timeout' || error.code === 'UND_ERR_CONNECT_TIMEOUT') return 'timeout';
  if (error instanceof errors.HTTPParserError || BAD_RESPONSE_CODES.has(error.code)) return 'bad-response';
  if (error instanceof UnresolvedName) return 'dns';
  if (error.code === 'ECONNREFUSED') return 'refused';
  return TLS_CODE.test(error.code ?? '') ? 'tls' : 'unreachable';
}
