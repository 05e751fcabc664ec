import type { Socket } from '../socket/socket.js';

/** Who is connected, by access id. One client may be there several times. */
export class NotifierClients {
  readonly #sockets = new Map<string, Set<Socket>>();

  add(accessId: string, socket: Socket): void {
    const sockets = this.#sockets.get(accessId) ?? new Set();
    this.#sockets.set(accessId, sockets.add(socket));
  }

  remove(accessId: string, socket: Socket): void {
    const sockets = this.#sockets.get(accessId);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#sockets.delete(accessId);
  }

  /** Ends every connection of the client. */
  drop(accessId: string): void {
    for (const socket of this.#sockets.get(accessId) ?? []) socket.end('closed');
  }

  /** Sorted. */
  names(): readonly string[] {
    return [...this.#sockets.keys()].toSorted();
  }
}
