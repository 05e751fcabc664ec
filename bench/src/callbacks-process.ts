import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Arriving } from './arriving.js';
import { MessageStream, headerOf, type Message } from './message-stream.js';
import { serveCalls, sharedNow } from './process.js';
import { contentOf, signatureOf, updateOf } from './update.js';
import type { Behaviour, CallbackPlan, Deliveries } from './callbacks.js';

// Many callbacks on some origins, as raw as can be: they keep what they need to tell afterwards whether each callback was
// given each update, signed right, once; while the clock runs they compare bytes and nothing else.

const DELIVERED = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');

const servers: Server[] = [];
const sockets = new Set<Socket>();
/** How the origin answers deliveries. */
const behaviours: Behaviour[] = [];
let plan: CallbackPlan = { callbacks: 0, origins: 1, bytes: 0, delayMs: 0 };
/** By update and callback in one number: the signature that came, of what was given so far. */
let given = new Map<number, string>();
let arrivals: { readonly update: number; readonly at: number }[] = [];
let problems: string[] = [];
let connections = 0;
const contents = new Map<number, Buffer>();
const arriving = new Arriving();

serveCalls({
  listen: async (wanted: CallbackPlan): Promise<string[]> => {
    plan = wanted;
    const ports = await Promise.all(Array.from({ length: plan.origins }, (_each, origin) => listen(origin)));
    return Array.from(
      { length: plan.callbacks },
      (_each, n) => `http://127.0.0.1:${ports[n % plan.origins]}/callbacks/${n}`,
    );
  },
  behave: async ({ origins, as }: { readonly origins: readonly number[]; readonly as: Behaviour }) => {
    for (const origin of origins) {
      behaviours[origin] = as;
      if (as === 'refuse') await closeOrigin(origin);
    }
  },
  await: ({ count }: { readonly count: number }): Promise<void> => arriving.await(count),
  collect: (): Deliveries => {
    const deliveries = { arrivals, problems: [...problems, ...wrongSignatures()], connections };
    given = new Map();
    arrivals = [];
    arriving.reset();
    problems = [];
    connections = 0;
    contents.clear();
    return deliveries;
  },
});

async function listen(origin: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => serve(socket, origin));
  servers[origin] = server;
  behaviours[origin] = 'deliver';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1_024, resolve));
  return (server.address() as AddressInfo).port;
}

function serve(socket: Socket, origin: number): void {
  const stream = new MessageStream((message) => answer(socket, origin, message));
  sockets.add(socket);
  connections += 1;
  socket.on('data', (chunk: Buffer) => stream.push(chunk));
  // The hub may be killed at any time.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
}

async function closeOrigin(origin: number): Promise<void> {
  const server = servers[origin];
  if (server === undefined) return;
  const { port } = server.address() as AddressInfo;
  for (const socket of sockets) if (socket.localPort === port) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
}

function answer(socket: Socket, origin: number, message: Message): void {
  if (message.head.startsWith('GET ')) {
    confirm(socket, message.head);
    return;
  }
  if (behaviours[origin] !== 'deliver') return;
  take(message);
  if (plan.delayMs === 0) socket.write(DELIVERED);
  else setTimeout(() => socket.write(DELIVERED), plan.delayMs);
}

function confirm(socket: Socket, head: string): void {
  const challenge = /[?&]hub\.challenge=([^&\s]*)/.exec(head)?.[1] ?? '';
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${challenge.length}\r\n\r\n${challenge}`);
}

function take({ head, body }: Message): void {
  const callback = Number(head.slice('POST /callbacks/'.length, head.indexOf(' ', 6)));
  const update = updateOf(body);
  let content = contents.get(update);
  if (content === undefined) {
    content = contentOf(update, plan.bytes);
    contents.set(update, content);
  }
  const key = update * plan.callbacks + callback;
  if (!content.equals(body)) problems.push(`callback ${callback} was given wrong bytes`);
  if (given.has(key)) problems.push(`callback ${callback} was given update ${update} again`);
  given.set(key, headerOf(head, 'x-hub-signature') ?? '');
  arrivals.push({ update, at: sharedNow() });
  arriving.note();
}

/** Checked when the clock has stopped: it costs as much as making them. */
function wrongSignatures(): string[] {
  return [...given].flatMap(([key, signature]) => {
    const callback = key % plan.callbacks;
    const content = contents.get((key - callback) / plan.callbacks);
    const right = content !== undefined && signature === signatureOf(content, callback);
    return right ? [] : [`callback ${callback} was given a wrong signature`];
  });
}
