import { describe, expect, it } from 'vitest';
import { InOrder } from './in-order.js';

describe('InOrder', () => {
  it('runs one key in the order asked and lets others pass', async () => {
    const inOrder = new InOrder();
    const order: string[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const first = inOrder.run('a', async () => {
      await gate;
      order.push('a1');
    });
    const second = inOrder.run('a', () => Promise.resolve(order.push('a2')));
    await inOrder.run('b', () => Promise.resolve(order.push('b1')));
    open();
    await Promise.all([first, second]);
    expect(order).toEqual(['b1', 'a1', 'a2']);
  });

  it('goes on after a failure, which belongs to its caller alone', async () => {
    const inOrder = new InOrder();
    const failing = inOrder.run('a', () => Promise.reject(new Error('no')));
    const next = inOrder.run('a', () => Promise.resolve('fine'));
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('fine');
  });
});
