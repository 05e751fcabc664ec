import type { Clock } from '@websub/shared';
import { z } from 'zod';
import { ROLES, type Credential } from '../../access/credential.js';
import { topicScope } from '../../access/topic-scope.js';
import type { Gate } from '../../gate/gate.js';
import { tenantName } from '../../gate/tenant-name.js';
import { refusalOf, type Admit } from '../entrance.js';
import { operation, Problem, type Operation } from './operation.js';
import { answerPage, isoTime, isoTimeOrNull, once, only, pageOf, pageQuery, time } from './page.js';

export interface CredentialsOptions {
  readonly gate: Gate;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly dev: boolean;
}

const LONGEST_NAME = 200;
/** Ten years. */
const LONGEST_SECONDS = 315_360_000;

const patterns = (field: string) =>
  z.array(
    z.string(`${field} holds something that is not text: send topic patterns`),
    `${field} is not a list: send topic patterns, such as ["https://shop.example.com/*"]`,
  );
const name = (field: string) =>
  z
    .string(`${field} is not text: send a string`)
    .min(1, `${field} is empty`)
    .max(LONGEST_NAME, `${field} is longer than ${LONGEST_NAME} characters: shorten it`);

export const credentialSchema = z.object({
  id: z.string(),
  role: z.enum(ROLES),
  tenant: z.string().nullable().describe("whose it is; null for the hub's own"),
  name: z.string().nullable(),
  publish: z.array(z.string()).describe('patterns of topics to ping, to publish to and to register'),
  read: z.array(z.string()).describe('patterns of topics to read'),
  created_at: time,
  expires_at: time.nullable(),
});
export const credentialPageSchema = pageOf(credentialSchema);
export const createdCredentialSchema = credentialSchema.extend({
  key: z.string().describe('the API key itself, shown this once'),
});

export const newCredentialBody = z
  .strictObject({
    role: z.enum(ROLES, `role is none of ${ROLES.join(', ')}: choose one`),
    tenant: tenantName.nullish(),
    name: name('name').nullish(),
    publish: patterns('publish').default([]),
    read: patterns('read').default([]),
    expires_in: z
      .int('expires_in is not a whole number of seconds: send one, or leave it out')
      .min(1, 'expires_in is less than 1 second')
      .max(LONGEST_SECONDS, 'expires_in is longer than ten years: send less, or leave it out')
      .nullish()
      .describe('seconds'),
  })
  .superRefine(({ role, tenant, publish, read }, context) => {
    const complain = (message: string): void => context.addIssue({ code: 'custom', message });
    if (role === 'admin' && (tenant != null || publish.length + read.length > 0))
      complain('an admin may everything: leave out tenant, publish and read');
    if (role === 'publisher' && publish.length === 0)
      complain('publish is missing: name topics to publish to, such as ["https://shop.example/*"], or ["*"]');
    if (role === 'reader' && publish.length > 0) complain('a reader does not publish: make a publisher');
    if (role === 'reader' && read.length === 0)
      complain('read is missing: name topics to read, such as ["https://shop.example/*"], or ["*"]');
  });

export const revocationBody = z.union(
  [
    z.strictObject({ jti: name('jti') }),
    z.strictObject({ sub: name('sub') }),
    z.strictObject({ tenant: tenantName }),
  ],
  'send one of {"jti": …}, {"sub": …} and {"tenant": …}',
);

export const newTicketBody = z.strictObject({
  publish: patterns('publish').optional().describe('only these of the topics of the credential'),
  read: patterns('read').optional().describe('only these of the topics of the credential'),
});
export const ticketSchema = z.object({ ticket: z.string(), expires_at: time });

const listQuery = pageQuery.extend({
  role: z.enum(ROLES, `role is none of ${ROLES.join(', ')}: choose one`).optional(),
  tenant: once('tenant'),
});

/** Who else is let in. */
export function credentialOperations(options: CredentialsOptions): readonly Operation[] {
  const { gate, clock } = options;
  const tag = 'credentials';
  return [
    operation({
      method: 'post',
      path: '/credentials',
      id: 'createCredential',
      tag,
      summary: 'Makes an API key',
      body: newCredentialBody,
      status: 201,
      answer: createdCredentialSchema,
      run: async ({ body }) => {
        const { expires_in: seconds, tenant = null, name: called = null, ...fields } = body;
        const expiresAt = seconds == null ? null : clock.now() + seconds * 1000;
        const made = await gate.createCredential({ ...fields, tenant, name: called, expiresAt });
        return { ...credentialView(made.credential), key: made.key };
      },
    }),
    operation({
      method: 'get',
      path: '/credentials',
      id: 'listCredentials',
      tag,
      summary: 'API keys, by id; never the keys themselves',
      query: listQuery,
      answer: credentialPageSchema,
      run: ({ query }) =>
        answerPage(
          query,
          (page) => Promise.resolve(gate.listCredentials(only(query, 'role', 'tenant'), page)),
          credentialView,
          ({ id }) => id,
        ),
    }),
    operation({
      method: 'delete',
      path: '/credentials/{id}',
      id: 'revokeCredential',
      tag,
      summary: 'Revokes an API key, and ends what was begun with it',
      status: 204,
      problems: [404],
      run: async ({ id }) =>
        (await gate.revokeCredential(id))
          ? undefined
          : new Problem(404, 'there is no credential with this id: see /v1/credentials'),
    }),
    operation({
      method: 'post',
      path: '/revocations',
      id: 'revokeTokens',
      tag,
      summary: 'Revokes tokens that were issued until now, and ends what was begun with them',
      body: revocationBody,
      status: 204,
      run: async ({ body }) => {
        if ('jti' in body) await gate.revoke({ kind: 'token', value: body.jti });
        else if ('sub' in body) await gate.revoke({ kind: 'subject', value: body.sub });
        else await gate.revoke({ kind: 'tenant', value: body.tenant });
      },
    }),
    ticketOperation(options, tag),
  ];
}

function ticketOperation({ gate, admit, dev }: CredentialsOptions, tag: string): Operation {
  return operation({
    method: 'post',
    path: '/tickets',
    id: 'createTicket',
    tag,
    summary: 'Gives the bearer of a credential a ticket that stands in for it once, within 30 seconds',
    forManagers: false,
    body: newTicketBody,
    status: 201,
    answer: ticketSchema,
    problems: [429],
    run: async ({ body: { publish, read }, request }) => {
      const entrance = await admit(request);
      if (entrance.kind !== 'admitted' && !dev) return Problem.of(refusalOf(entrance, 'a ticket'));
      // Each for the next one, tickets would last as long as somebody wants.
      if (entrance.kind === 'admitted' && entrance.by === 'ticket')
        return new Problem(403, 'a ticket gives no other ticket: show the credential itself');
      const { text, expiresAt } = gate.issueTicket(entrance.grant, {
        ...(publish !== undefined && { publish: topicScope(publish, 'publish') }),
        ...(read !== undefined && { read: topicScope(read, 'read') }),
      });
      return { ticket: text, expires_at: isoTime(expiresAt) };
    },
  });
}

function credentialView(credential: Credential): z.input<typeof credentialSchema> {
  const { digest: _, createdAt, expiresAt, publish, read, ...rest } = credential;
  return {
    ...rest,
    publish: [...publish],
    read: [...read],
    created_at: isoTime(createdAt),
    expires_at: isoTimeOrNull(expiresAt),
  };
}
