/** What the tests use of Rails' client, which has no types of its own. */
declare module '@rails/actioncable' {
  export interface Subscription {
    readonly identifier: string;
    perform(action: string, data?: object): boolean;
    unsubscribe(): void;
  }
  export interface Mixin {
    connected?(about: { readonly reconnected: boolean }): void;
    disconnected?(about: { readonly willAttemptReconnect: boolean }): void;
    rejected?(): void;
    received?(message: unknown): void;
  }
  export interface Consumer {
    readonly subscriptions: { create(channel: object, mixin: Mixin): Subscription };
    addSubProtocol(subprotocol: string): void;
    disconnect(): void;
  }
  export const adapters: { WebSocket: unknown };
  export function createConsumer(url: string): Consumer;
}
