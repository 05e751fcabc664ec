import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { messageKindsOf } from './message-kinds.js';

it('requests and answers are those of their own app, and express leaves them as they are', async () => {
  const changed: unknown[] = [];
  const serverOf = (proxies: string): Server => {
    const app = express().set('trust proxy', proxies);
    app.get('/', (request, response) => void response.json({ ip: request.ip }));
    const server = createServer(messageKindsOf({ app, takesOver: () => false }), (request, response) => {
      const before = [Object.getPrototypeOf(request), Object.getPrototypeOf(response)];
      app(request, response);
      const after = [Object.getPrototypeOf(request), Object.getPrototypeOf(response)];
      changed.push(...before.filter((prototype, n) => prototype !== after[n]));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    return server;
  };
  const ipAt = async (server: Server): Promise<unknown> => {
    const { port } = server.address() as AddressInfo;
    const headers = { 'X-Forwarded-For': '192.0.2.1' };
    return (await fetch(`http://127.0.0.1:${port}/`, { headers })).json();
  };
  const servers = [serverOf('loopback'), serverOf('192.0.2.9')];
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  expect(await Promise.all(servers.map(ipAt))).toEqual([{ ip: '192.0.2.1' }, { ip: '127.0.0.1' }]);
  expect(changed).toEqual([]);
});
