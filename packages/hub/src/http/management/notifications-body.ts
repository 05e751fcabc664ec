import { z } from 'zod';
import type { Webhook } from '../../protocol/webhooks.js';

const text = (field: string) => z.string(`${field} is not text: send text, or leave it out`);
const noControls = (field: string) =>
  text(field)
    .regex(/^[^\p{Cc}\p{Surrogate}]*$/u, `${field} has control characters: send it without`)
    .nullish();

const webhookBlock = z.strictObject({
  url: z.string('url is missing, or is no text: name where the updates are to be posted'),
  basic_auth_username: noControls('basic_auth_username'),
  basic_auth_password: noControls('basic_auth_password'),
  bearer_token: text('bearer_token')
    .regex(/^[\x21-\x7e]+$/, 'bearer_token is empty or holds what no header does: send visible ASCII')
    .nullish(),
});
const wholeBody = z.strictObject({ webhook: webhookBlock });

const SHAPE =
  'the webhook is none: send {"webhook": {"url": …}}, with basic_auth_username and basic_auth_password, or with bearer_token';

/** A `KtorSessionNotifications` of walt.id, or the webhook in it alone. */
export const notificationsBody = z
  .union([wholeBody, webhookBlock], { error: ({ input }) => complaintOf(input) })
  .transform((given) => ('webhook' in given ? given.webhook : given))
  .superRefine(
    ({ basic_auth_username: user, basic_auth_password: password, bearer_token: token }, context) => {
      const complain = (message: string): void => context.addIssue({ code: 'custom', message });
      if (token != null && (user != null || password != null))
        complain('there are credentials for Basic and for Bearer: send one of them');
      if ((user == null) !== (password == null))
        complain('basic_auth_username and basic_auth_password go together: send both, or neither');
      // It would end there (RFC 7617).
      if (user?.includes(':') === true) complain('basic_auth_username has a colon: choose another name');
    },
  )
  .transform((block): Webhook => ({ url: block.url, authorization: authorizationOf(block) }));

function authorizationOf({
  basic_auth_username: user,
  basic_auth_password: password,
  bearer_token: token,
}: z.output<typeof webhookBlock>): string | null {
  if (token != null) return `Bearer ${token}`;
  return user == null ? null : `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
}

/** The sentence of the one that was meant: a union has none of its own. */
function complaintOf(input: unknown): string {
  const isWhole = typeof input === 'object' && input !== null && 'webhook' in input;
  const issue = (isWhole ? wholeBody : webhookBlock).safeParse(input).error?.issues[0];
  return issue === undefined || issue.code === 'unrecognized_keys' || issue.message.startsWith('Invalid')
    ? SHAPE
    : issue.message;
}
