import { Router } from 'express';
import type { Bridge } from '../bridge/bridge.js';
import { confirmationOf, denialOf, grantOf, NO_CHANNEL } from '../bridge/channel/channel-words.js';
import { consumerRequest, readRequest, type Channels } from '../bridge/channel/channels.js';
import { RenewablePermit } from '../bridge/permit.js';
import { eventText } from '../bridge/sse-format.js';
import { retryMs } from '../bridge/retry-time.js';
import { HEARTBEAT_SECONDS, MAX_AGE_MS, sendBusy, stream, STREAM_HEADERS } from './event-streams.js';
import { upgradeRequired } from './upgrade-required.js';

export interface ChannelStreamsOptions {
  readonly bridge: Bridge;
  readonly channels: Channels;
  /** False while the hub starts or stops. */
  readonly isReady: () => boolean;
}

/** The last event id of a client that was told that its channel has ended: when it comes back by itself, it is told to stop. */
const DENIED = 'denied';

/** `/v1/c/…`: WebSub channels over Server-Sent Events. Whoever knows the address may read. */
export function channelStreams({ bridge, channels, isReady }: ChannelStreamsOptions): Router {
  const router = Router();
  router.get('/c/:token', async (request, response) => {
    const { token } = request.params;
    if (!isReady()) {
      sendBusy(bridge, response, 'not_ready');
      return;
    }
    const channel = channels.find(token);
    if (channel?.channel.type === 'websocket') {
      upgradeRequired(request, response, () => undefined);
      return;
    }
    const lastEventId = request.get('last-event-id');
    if (channel === undefined) {
      if (lastEventId === DENIED) response.status(204).end();
      else response.set(STREAM_HEADERS).end(frame(DENIED, denialOf(undefined, NO_CHANNEL), DENIED));
      return;
    }
    const permit = new RenewablePermit(bridge.gate, grantOf(channel.channel));
    const leave = channels.join(channel, { renewed: () => permit.renew(grantOf(channel.channel)) });
    response.once('close', leave);
    await stream(bridge, {
      request,
      response,
      onClosed: leave,
      wanted: readRequest(channel.channel, lastEventId),
      permit,
      consumer: consumerRequest(token, channel.channel),
      manner: {
        frameOf: bridge.codec.framesOf('envelope', false),
        greeting: frame('confirmed', confirmationOf(channel.channel, bridge.clock.now())),
        limit: Infinity,
        lastsMs: retryMs(bridge.random, MAX_AGE_MS),
        endsAs: 'max_age',
        heartbeatMs: HEARTBEAT_SECONDS.usual * 1000,
        tellsLive: false,
        saysBye: true,
      },
    });
  });
  return router;
}

function frame(name: string, value: unknown, id?: string): Buffer {
  return Buffer.from(eventText({ id, name, data: JSON.stringify(value) }));
}
