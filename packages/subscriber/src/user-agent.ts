/** Publishers and hubs see who asks; some refuse requests that do not say. */
export const USER_AGENT = 'websub-subscriber/0.1 (+https://www.w3.org/TR/websub/)';
