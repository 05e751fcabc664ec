import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { serveCalls } from './process.js';

// The limit of streams in Node: a frame is made once for each update and written to the socket of every reader. Nothing is
// kept, nobody is asked, and a reader that does not take it fills the memory.

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const readers = { sse: new Set<Socket>(), websocket: new Set<Socket>() };
let updates = 0;

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    follow(request.socket, 'sse');
    request.socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: live\ndata:\n\n');
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(202).end();
    updates += 1;
    const content = Buffer.concat(chunks);
    writeAll(
      readers.sse,
      Buffer.concat([Buffer.from(`id: epoch.${updates}\ndata: `), content, Buffer.from('\n\n')]),
    );
    writeAll(readers.websocket, textFrame(content));
  });
});
server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  socket.write(textFrame(Buffer.from('"ok"')));
  socket.resume();
  follow(socket, 'websocket');
});

function follow(socket: Socket, kind: keyof typeof readers): void {
  readers[kind].add(socket);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => readers[kind].delete(socket));
}

function writeAll(sockets: ReadonlySet<Socket>, frame: Buffer): void {
  for (const socket of sockets) socket.write(frame);
}

function textFrame(payload: Buffer): Buffer {
  const { byteLength } = payload;
  const head = byteLength < 126 ? [0x81, byteLength] : [0x81, 126, byteLength >> 8, byteLength & 0xff];
  return Buffer.concat([Buffer.from(head), payload]);
}

serveCalls({
  listen: async (): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  },
});
