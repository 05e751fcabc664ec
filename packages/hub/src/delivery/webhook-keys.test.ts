import { webhookKey } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { WebhookKeys } from './webhook-keys.js';

describe('the keys of webhook-signature', () => {
  it('are derived once for a topic and a secret', () => {
    const keys = new WebhookKeys();
    const first = keys.of('https://a.example/', 'secret');
    expect(first).toEqual(webhookKey('secret', 'https://a.example/'));
    expect(keys.of('https://a.example/', 'secret')).toBe(first);
    expect(keys.of('https://b.example/', 'secret')).not.toEqual(first);
    expect(keys.of('https://a.example/', 'other')).not.toEqual(first);
  });

  it('LAW 8: never take more room than for the most that are remembered', () => {
    const keys = new WebhookKeys(10);
    for (let n = 0; n < 100; n++) {
      expect(keys.of(`https://${n % 7}.example/`, `secret ${n}`)).toHaveLength(32);
      expect(keys.size).toBeLessThanOrEqual(10);
    }
  });
});
