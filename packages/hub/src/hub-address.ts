/**
 * Where something of the hub lies for who knows the hub by its public URL: below it, with or without a slash at its end. A
 * proxy that gives the hub a path of its host takes that path away from each request.
 */
export function addressBelow(hubUrl: string, path: string): URL {
  const address = new URL(hubUrl);
  address.search = '';
  address.pathname = `${address.pathname.replace(/\/$/, '')}/${path}`;
  return address;
}
