import { systemRandom, type Clock } from '@websub/shared';
import { anybodysGrant } from '../access/grant.js';
import { HubEmitter } from '../events.js';
import { Gate } from '../gate/gate.js';
import { RenewablePermit } from './permit.js';

/** What anybody is allowed where everything may be read. */
export function anybodysPermit(clock: Clock): RenewablePermit {
  const gate = new Gate({
    credentials: {
      async *loadCredentials() {},
      async *loadRevocations() {},
      addCredential: () => Promise.resolve(false),
      removeCredential: () => Promise.resolve(false),
      addRevocation: () => Promise.resolve(),
    },
    anybody: anybodysGrant({ pings: false, content: false, reading: true, management: false }),
    adminKey: undefined,
    tokens: undefined,
    clock,
    random: systemRandom,
    events: new HubEmitter(),
  });
  return new RenewablePermit(gate, gate.anybody);
}
