import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { NetworkPolicy, posting, UndiciHttpClient } from '@websub/shared';
import { HttpSender, type DeliveryOutcome, type Parcel } from '../delivery/sender.js';
import type { Order, Report, WorkerInput } from './messages.js';

run(parentPort!, workerData as WorkerInput);

/** A delivery thread: signs and sends what it is told to, and decides nothing. */
function run(port: MessagePort, { policy, connectionsPerOrigin }: WorkerInput): void {
  const http = new UndiciHttpClient({ policy: new NetworkPolicy(policy), connectionsPerOrigin });
  const sender = new HttpSender(posting(http));
  const parcels = new Map<number, Parcel>();
  let report: Report = { delivered: [], others: [] };
  const settle = (id: number, outcome: DeliveryOutcome): void => {
    // After all answers that have come together: a message for each would cost as much as the delivery.
    if (report.delivered.length === 0 && report.others.length === 0)
      setImmediate(() => {
        port.postMessage(report);
        report = { delivered: [], others: [] };
      });
    if (outcome.kind === 'delivered') report.delivered.push(id, outcome.status);
    else report.others.push([id, outcome]);
  };
  port.on('message', (order: Order) => {
    for (const [key, parcel] of order.parcels) parcels.set(key, parcel);
    for (const ordered of order.sendings) {
      const [id, parcel, attempt, trace, callback, secret, webhookSignature, authorization, now] = ordered;
      const made = { attempt, trace };
      const sending = { made, callback, secret, webhookSignature, authorization, now };
      sender.send(parcels.get(parcel)!, sending, (outcome) => settle(id, outcome));
    }
    for (const key of order.dropped) parcels.delete(key);
  });
  port.postMessage(report);
}
