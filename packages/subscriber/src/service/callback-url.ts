import type { Random } from '@websub/shared';
import type { ServiceSettings } from './settings.js';

/**
 * The callback of the subscription `id`. `publicUrl` is the listener's. What stands in a base URL's query is kept: the
 * id goes into the path.
 */
export function callbackUrl(
  { callback, path }: Pick<ServiceSettings, 'callback' | 'path'>,
  publicUrl: string,
  id: string,
): string {
  if (callback.kind === 'exact') return callback.url;
  const url = new URL(callback.kind === 'base' ? callback.url : publicUrl);
  const segments = [url.pathname.replace(/\/+$/, ''), path.replace(/\/+$/, ''), `/${id}`];
  url.pathname = segments.join('');
  return url.href;
}

/** 144 random bits, written as 24 characters of `[A-Za-z0-9_-]`. */
const ID_BYTES = 18;
/** Ids begin so: the keys in an application's own URLs, such as those of MongoDB, may have as many characters. */
const ID_PREFIX = 'websub-';
const ID = new RegExp(`^${ID_PREFIX}[A-Za-z0-9_-]{24}$`);

/** An id, and a part of a callback, that nobody can guess. */
export function drawId(random: Random): string {
  return `${ID_PREFIX}${random.token(ID_BYTES)}`;
}

/** The id at the end of a callback's path; `undefined` where no id can be. */
export function idIn(pathname: string): string | undefined {
  const last = pathname.slice(pathname.lastIndexOf('/') + 1);
  return ID.test(last) ? last : undefined;
}
