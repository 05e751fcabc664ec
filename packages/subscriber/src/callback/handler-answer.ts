import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { HandlerResult } from '../messages.js';
import { answer, type CallbackAnswer } from './exchange.js';

/**
 * The answer that a handler's result asks for. Types do not hold a handler in JavaScript, nor what it took out of a
 * payload: throws for what no response can carry.
 */
export function answerOf(result: HandlerResult): CallbackAnswer {
  if (typeof result !== 'object' || result === null) return answer(202);
  const { status = 202, headers = {}, body = '' } = result;
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new TypeError(`it returned the status ${String(status)}: return one from 200 to 599`);
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value);
  return answer(status, textOf(body), headers);
}

/** A text that a handler returned. Throws for anything else. */
export function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  throw new TypeError(`it returned a text that is of type ${typeof body}: return a string`);
}

function checkHeader(name: string, value: unknown): void {
  validateHeaderName(name);
  if (typeof value !== 'string')
    throw new TypeError(`it returned the header ${name} as ${typeof value}: return a string`);
  validateHeaderValue(name, value);
}
