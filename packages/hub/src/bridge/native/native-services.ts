import type { Admission } from '../../protocol/admission.js';
import type { Publications } from '../../protocol/publication.js';
import type { Bridge } from '../bridge.js';
import type { EventFrames } from './event-frames.js';

/** What all conversations have in common. */
export interface NativeServices {
  readonly bridge: Bridge;
  readonly frames: EventFrames;
  readonly publications: Publications;
  /** How fast whoever shows no credential may publish; `undefined`: as fast as the hub can. */
  readonly admission: Admission | undefined;
}
