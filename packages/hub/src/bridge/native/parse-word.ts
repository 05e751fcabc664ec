import { CLIENT_WORDS, SID, type ClientOp, type ClientWord } from './words.js';

/** What a client has said. */
export type Parsed =
  | { readonly kind: 'word'; readonly word: ClientWord }
  /** It is wrong; `ref` is the op, as far as it can be told. */
  | {
      readonly kind: 'wrong';
      readonly ref: string;
      readonly sid: string | undefined;
      readonly detail: string;
    }
  /** It is not this protocol. */
  | { readonly kind: 'nonsense' };

const LONGEST_REF = 32;

/** Reads a message of a client; never throws. */
export function parseWord(text: string): Parsed {
  const value = jsonOf(text);
  if (typeof value !== 'object' || value === null || !('op' in value) || typeof value.op !== 'string')
    return { kind: 'nonsense' };
  const sid = 'sid' in value ? SID.safeParse(value.sid).data : undefined;
  const { op } = value;
  if (!isClientOp(op)) {
    const detail = `op is none of ${Object.keys(CLIENT_WORDS).join(', ')}: use one of these`;
    return { kind: 'wrong', ref: op.slice(0, LONGEST_REF), sid, detail };
  }
  const result = CLIENT_WORDS[op].safeParse(value);
  if (result.success) return { kind: 'word', word: result.data };
  const detail = result.error.issues[0]?.message ?? 'it is wrong: see docs/asyncapi.json';
  return { kind: 'wrong', ref: op, sid, detail };
}

function isClientOp(op: string): op is ClientOp {
  return Object.hasOwn(CLIENT_WORDS, op);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
