import { WebSubError } from '@websub/shared';
import type { Bridge } from '../bridge.js';
import { cursorOf, locate } from '../locate.js';
import { startOf, type Start } from '../start.js';
import type { Action, Mark } from './command.js';
import type { Subscription } from './subscription.js';

/** What an action works on. */
export interface Acting {
  readonly subscription: Subscription;
  readonly bridge: Bridge;
  /** Lets the subscription go on from there; settles with whether it does. */
  readonly goOn: (start: Start) => Promise<boolean>;
}

/** Does what a client performs on its subscription, and answers if it wants to hear of it. Rejects when the store fails. */
export async function perform(action: Action, acting: Acting): Promise<void> {
  try {
    await act(action, acting);
  } catch (error) {
    if (!(error instanceof WebSubError) || error.code !== 'invalid_request') throw error;
    const name = action.action === 'unknown' ? action.name : action.action;
    acting.subscription.answer({ $hub: 'error', action: name, error: error.message });
  }
}

async function act(action: Action, acting: Acting): Promise<void> {
  const { subscription, bridge } = acting;
  switch (action.action) {
    case 'pause':
      subscription.pause();
      return;
    case 'resume':
      subscription.resume();
      return;
    case 'rewind':
      await rewind(action.to, acting);
      return;
    case 'ack':
      subscription.acknowledge(await cursorAt(bridge, subscription, action.upTo));
      return;
    case 'unknown':
      throw wrong(
        'the action is none of ack, rewind, pause and resume, or lacks what it is about: send {"action":"ack","id":…}',
      );
  }
}

async function rewind(
  to: Extract<Action, { action: 'rewind' }>['to'],
  { subscription, bridge, goOn }: Acting,
): Promise<void> {
  const start = startAt(to, bridge.clock.now());
  if (!(await goOn(start)))
    throw wrong('what follows that is not complete any more: rewind to another place');
  subscription.answer({ $hub: 'rewound', cursor: subscription.cursor });
}

function startAt(to: Extract<Action, { action: 'rewind' }>['to'], now: number): Start {
  if ('id' in to) return { kind: 'id', id: to.id };
  if ('cursor' in to) return { kind: 'cursor', cursor: to.cursor };
  return startOf({ since: 'last' in to ? `last:${to.last}` : to.since }, now);
}

async function cursorAt(bridge: Bridge, { channel }: Subscription, mark: Mark): Promise<string> {
  const start: Start = 'id' in mark ? { kind: 'id', id: mark.id } : { kind: 'cursor', cursor: mark.cursor };
  const located = await locate(bridge.log, channel.request.selection, start);
  if (located.kind === 'lost') throw wrong('nothing with this id or cursor was given: acknowledge what was');
  return cursorOf(bridge.log, located.position);
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
