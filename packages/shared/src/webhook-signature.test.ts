import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkWebhook, signWebhook, webhookKey } from './webhook-signature.js';

const NOW = Date.UTC(2026, 0, 1);
const TOPIC = 'https://example.com/feed';
const key = webhookKey('secret', TOPIC);
const body = new TextEncoder().encode('{"a":1}');
const message = { id: 'msg_1', timestamp: String(NOW / 1000), body };
const signed = { ...message, signature: signWebhook(message, key) };

describe('webhookKey', () => {
  it('is HKDF as RFC 5869 writes it: extract without salt, expand to one block with the topic as info', () => {
    const extracted = createHmac('sha256', Buffer.alloc(32)).update('secret').digest();
    const info = `WebSub webhook-signature ${TOPIC}`;
    const expanded = createHmac('sha256', extracted).update(info).update(Uint8Array.of(1)).digest();
    expect(Buffer.from(key)).toEqual(expanded);
  });

  it('differs with the secret and with the topic', () => {
    const keys = [key, webhookKey('secret2', TOPIC), webhookKey('secret', `${TOPIC}2`)];
    expect(new Set(keys.map((one) => Buffer.from(one).toString('hex'))).size).toBe(3);
  });
});

describe('checkWebhook', () => {
  // The vector of the Standard Webhooks reference libraries.
  it('takes what others sign', () => {
    const given = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: '1614265330',
      body: new TextEncoder().encode('{"test": 2432232314}'),
      signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const others = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    expect(checkWebhook(given, [others], 1_614_265_330_000)).toEqual({ kind: 'valid' });
  });

  it.each([
    ['body', { body: new TextEncoder().encode('{"a":2}') }],
    ['id', { id: 'msg_2' }],
    ['timestamp', { timestamp: String(NOW / 1000 + 1) }],
  ])('refuses another %s under the same signature', (_what, other) => {
    expect(checkWebhook({ ...signed, ...other }, [key], NOW)).toEqual({
      kind: 'invalid',
      reason: 'mismatch',
    });
  });

  it('refuses what was signed for another topic with the same secret', () => {
    const elsewhere = webhookKey('secret', 'https://example.com/other');
    expect(checkWebhook(signed, [elsewhere], NOW)).toEqual({ kind: 'invalid', reason: 'mismatch' });
  });

  it('refuses what X-Hub-Signature would sign for a body of the form id.timestamp.payload', () => {
    const text = `${message.id}.${message.timestamp}.{"a":1}`;
    const digest = createHmac('sha256', 'secret').update(text).digest('base64');
    expect(checkWebhook({ ...signed, signature: `v1,${digest}` }, [key], NOW).kind).toBe('invalid');
  });

  it.each([
    [300, 'valid'],
    [301, 'invalid'],
    [-300, 'valid'],
    [-301, 'invalid'],
  ] as const)('at a clock that is %i s ahead of the timestamp says %s', (seconds, kind) => {
    expect(checkWebhook(signed, [key], NOW + seconds * 1000).kind).toBe(kind);
  });

  it('takes one right signature among several, and any of several keys', () => {
    const signature = `v1,${'A'.repeat(43)}= v1a,ed25519 ${signed.signature}`;
    expect(checkWebhook({ ...signed, signature }, [webhookKey('new', TOPIC), key], NOW).kind).toBe('valid');
  });

  it.each([
    ['no id', { id: undefined }],
    ['an empty id', { id: '' }],
    ['no timestamp', { timestamp: undefined }],
    ['a timestamp that is none', { timestamp: '1e9' }],
    ['a negative timestamp', { timestamp: '-5' }],
    ['a signature of another version', { signature: signed.signature.replace('v1', 'v2') }],
    ['a short signature', { signature: 'v1,AAAA' }],
    ['an empty signature', { signature: '' }],
  ])('refuses %s as malformed', (_what, other) => {
    expect(checkWebhook({ ...signed, ...other }, [key], NOW)).toEqual({
      kind: 'invalid',
      reason: 'malformed',
    });
  });

  it('never throws, and takes nothing that was not signed, whatever a stranger sends', () => {
    const text = fc.option(fc.string(), { nil: undefined });
    fc.assert(
      fc.property(text, text, fc.string(), fc.uint8Array(), (id, timestamp, signature, bytes) => {
        expect(checkWebhook({ id, timestamp, signature, body: bytes }, [key], NOW).kind).toBe('invalid');
      }),
    );
  });
});
