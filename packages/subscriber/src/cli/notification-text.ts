import type { Notification } from '../messages.js';
import { harmless } from './terminal.js';

/** One line for programs. The body is `body` where it is text, else `bodyBase64`. */
export function asJson(notification: Notification): string {
  const { topic, subscription, contentType, deliveryId, signature, attempt, headers, links } = notification;
  const text = textOf(notification);
  return JSON.stringify({
    topic,
    hub: subscription.hub,
    contentType,
    deliveryId,
    signature,
    attempt,
    headers: Object.fromEntries(headers),
    links,
    ...(text === undefined
      ? { bodyBase64: Buffer.from(notification.raw).toString('base64') }
      : { body: text }),
  });
}

/** A heading and the body, for people. */
export function asText(notification: Notification): string {
  const { topic, contentType, raw, signature, deliveryId } = notification;
  const id = deliveryId === undefined ? '' : `, id ${deliveryId}`;
  const heading = `--- ${topic}: ${contentType}, ${raw.byteLength} bytes, ${signature}${id}`;
  const text = textOf(notification);
  return `${harmless(heading)}\n${text === undefined ? '(not text: --json has its bytes)' : harmless(text)}\n`;
}

/** The body as UTF-8; `undefined` where it is none. */
function textOf({ raw }: Notification): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return undefined;
  }
}
