import type { Clock, HttpClient } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import { OptionError } from '../option-error.js';
import type { TokenOptions } from '../options.js';
import { USER_AGENT } from '../package-info.js';
import { KeySet } from './key-set.js';
import { keyFile, keyUrl } from './key-source.js';
import { Tokens, type TokensOptions } from './tokens.js';

export interface OpenTokensOptions extends Pick<TokensOptions, 'eventsOf' | 'checkCondition'> {
  readonly config: TokenOptions;
  /** For a key set at a URL. */
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

/**
 * Settles when the keys were read. A file that cannot be used is a mistake of whoever starts the hub: rejects with
 * `invalid_configuration`. A URL may be out of order for a while: until it answers, tokens are not refused but put off.
 */
export async function openTokens({
  config,
  http,
  eventsOf,
  checkCondition,
  clock,
  events,
}: OpenTokensOptions): Promise<Tokens> {
  const { keys, audience, issuer } = config;
  const remote = /^https?:/i.test(keys);
  const onFault = (error: Error): void => void events.emit('fault', { where: 'jwt-keys', error });
  const source = remote ? keyUrl(keys, http, USER_AGENT) : keyFile(keys);
  const set = new KeySet({ source, clock, onFault });
  const complaint = await set.open();
  if (complaint !== undefined) {
    if (!remote) throw new OptionError('jwtKeys', `cannot be used (${complaint}): name a JSON Web Key Set`);
    onFault(new Error(complaint));
  }
  return new Tokens({ keys: set, audience, issuer, eventsOf, checkCondition, clock });
}
