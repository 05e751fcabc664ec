import type { Duplex } from 'node:stream';

/** Lets go of a connection that breaks, when nobody else does: unheard, its error would end the hub. */
export function destroyOnError(connection: Duplex): void {
  connection.on('error', destroy);
}

// One for all: a stream keeps what its connection has.
function destroy(this: Duplex): void {
  this.destroy();
}
