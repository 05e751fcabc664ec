import { WebSubError } from '@websub/shared';
import { isNestedTooDeep } from '../bridge/nesting.js';

/** A body as JSON in UTF-8. Throws `invalid_request` for anything else; `example` is what to send instead. */
export function jsonOf(body: Uint8Array, example: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    if (!isNestedTooDeep(text)) return JSON.parse(text) as unknown;
  } catch {
    throw new WebSubError('invalid_request', `the body is not JSON in UTF-8: send ${example}`);
  }
  throw new WebSubError('invalid_request', 'the body nests too deep: flatten it');
}
