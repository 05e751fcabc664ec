import { createHmac } from 'node:crypto';

const FILLING = Buffer.from('All work and no play makes a dull update. ');

/** The content of an update: its number, and as many bytes as asked for; the same in every process. */
export function contentOf(update: number, bytes: number): Buffer {
  const content = Buffer.alloc(bytes, FILLING);
  content.write(`${update};`, 0, 'latin1');
  return content;
}

/** The number of the update that these bytes are. */
export function updateOf(content: Buffer): number {
  return Number(content.toString('latin1', 0, 12).split(';', 1)[0]);
}

/** The secret of a callback. */
export function secretOf(callback: number): string {
  return `the secret of callback ${callback}`;
}

export function signatureOf(content: Buffer, callback: number): string {
  return `sha256=${createHmac('sha256', secretOf(callback)).update(content).digest('hex')}`;
}

/** The topic of an update or of a callback, when there are so many topics. */
export function topicOf(number: number, topics: number): string {
  return `http://127.0.0.1:9/topics/${number % topics}`;
}
