import type { ServerResponse } from 'node:http';
import type { Refusal } from '../protocol/admission.js';
import { sendRefusal, type EntranceRefusal } from './entrance.js';
import { sendComplaint } from './problem.js';

/** 429, and when to try again. */
export function tooMany({ detail, retryAfterMs }: Refusal): EntranceRefusal {
  const seconds = String(Math.ceil(retryAfterMs / 1000));
  return { status: 429, detail: `${detail}: try again in ${seconds} s`, headers: { 'Retry-After': seconds } };
}

export function sendTooMany(response: ServerResponse, refusal: Refusal): void {
  sendRefusal(sendComplaint, response, tooMany(refusal));
}
