/** What an organisation is called. */
export const ORGANISATION = /^[\w.-]{1,64}$/;

/**
 * The organisation that a token is for, by its `sub`: `Organization/<id>`, as Zaikio's tokens say. `undefined` for any
 * other subject.
 */
export function organisationOf(subject: string): string | undefined {
  const id = /^(?:Organization|Org)\/(.*)$/.exec(subject)?.[1];
  return id !== undefined && ORGANISATION.test(id) ? id : undefined;
}
