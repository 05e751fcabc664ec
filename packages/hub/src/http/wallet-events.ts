import type { Request, RequestHandler, Response } from 'express';
import { RenewablePermit } from '../bridge/permit.js';
import { lastEventIdOf, one, type ReadRequest } from '../bridge/read-request.js';
import { selectionOf } from '../bridge/selection.js';
import { startOf } from '../bridge/start.js';
import { wasGiven } from '../bridge/was-given.js';
import { showWalletEvent, walletFilter, type AwaitedEvent } from '../bridge/waypoint/wallet-event.js';
import type { WalletKeys } from '../gate/wallet-keys.js';
import { HEARTBEAT_SECONDS, permitFor, sendBusy, stream, type EventStreamsOptions } from './event-streams.js';
import { readParameters } from './read-parameters.js';

export interface WalletEventsOptions extends EventStreamsOptions {
  /** Absent: the hub's own rules say who may read. */
  readonly walletKeys: WalletKeys | undefined;
  readonly timeoutMs: number;
}

/** Where Waypoint is reached through acapy-cloud: `{wallet_id}/{topic}/{field}/{field_id}/{desired_state}`. */
export const WALLET_PATHS = ['', '/tenant', '/tenant-admin', '/governance'].map(
  (mount) => `${mount}/v1/sse/:wallet_id/:topic/:field/:field_id/:desired_state`,
);

const USUAL_LOOK_BACK_SECONDS = 60;
const CONTROLS = 'comments';

/** Waits for the one event of a wallet that is named, and gives it as Waypoint does. */
export function walletEvents(options: WalletEventsOptions): RequestHandler {
  const { bridge, timeoutMs } = options;
  return async (request, response) => {
    if (!options.isReady()) {
      sendBusy(bridge, response, 'not_ready', CONTROLS);
      return;
    }
    const asked = await readAsked(options, request);
    const entered = await enter(options, request, response, asked);
    if (entered === undefined) return;
    const { wanted, permit } = entered;
    if (await wasGiven(bridge, resumed(asked, wanted), permit)) {
      response.status(204).end();
      return;
    }
    const { codec, payloads, ownTopics } = bridge;
    const isStrict = one(asked.params, 'strict') === '1';
    await stream(bridge, {
      request,
      response,
      wanted,
      permit,
      manner: {
        frameOf: codec.framesBy(
          isStrict ? 'wallet strict' : 'wallet',
          showWalletEvent(payloads, ownTopics),
          !isStrict,
        ),
        controls: CONTROLS,
        heartbeat: ping,
        heartbeatMs: HEARTBEAT_SECONDS.usual * 1000,
        limit: 1,
        lastsMs: timeoutMs,
        endsAs: 'timeout',
        tellsLive: false,
        saysBye: false,
      },
    });
  };
}

interface Asked {
  readonly params: URLSearchParams;
  readonly lastEventId: string | undefined;
  readonly wallet: string;
  readonly topic: string;
  /** Seconds; `undefined` for what is no number of them. */
  readonly lookBack: number | undefined;
  readonly event: AwaitedEvent;
}

async function readAsked({ bridge }: WalletEventsOptions, request: Request): Promise<Asked> {
  const params = await readParameters(request);
  const named = (name: string): string => String(request.params[name]);
  const wallet = named('wallet_id');
  const group = one(params, 'group_id');
  return {
    params,
    lastEventId: lastEventIdOf(params, request.get('last-event-id')),
    wallet,
    topic: bridge.ownTopics.of('wallets', [wallet, named('topic')], 'wallet_id or topic'),
    lookBack: lookBackOf(params),
    event: {
      field: named('field'),
      fieldId: named('field_id'),
      state: named('desired_state'),
      groups: group === undefined ? [] : [group],
    },
  };
}

/** What is wanted, and what the client may read; `undefined` when it has been answered that it may not, or what is wrong. */
async function enter(
  options: WalletEventsOptions,
  request: Request,
  response: Response,
  asked: Asked,
): Promise<{ readonly wanted: ReadRequest; readonly permit: RenewablePermit } | undefined> {
  const { bridge, walletKeys } = options;
  const { wallet, topic, lookBack, event, params } = asked;
  const entrance = await walletKeys?.admit(request.get('x-api-key'), wallet, topic);
  if (entrance?.kind === 'refused') {
    response.status(entrance.status).json({ detail: entrance.detail });
    return undefined;
  }
  if (lookBack === undefined) {
    sendWrongLookBack(response, params);
    return undefined;
  }
  const group = entrance?.group ?? null;
  const wanted: ReadRequest = {
    selection: selectionOf([topic], []),
    filter: walletFilter(group === null ? event : { ...event, groups: [...event.groups, group] }),
    start: startOf({ lookBack: String(lookBack) }, bridge.clock.now()),
    resumes: false,
    requested: `look_back=${lookBack}`,
    onGap: 'earliest',
  };
  const permit =
    entrance === undefined
      ? await permitFor(options, request, response, wanted, CONTROLS)
      : // One wallet waits for many things at a time: a bound for each subject would be none that Waypoint has.
        new RenewablePermit(bridge.gate, entrance.grant, false);
  return permit === undefined ? undefined : { wanted, permit };
}

/** The same, as somebody who comes back with the id of what it was given. */
function resumed({ lastEventId }: Asked, wanted: ReadRequest): ReadRequest {
  return lastEventId === undefined
    ? wanted
    : { ...wanted, start: startOf({ lastEventId }, 0), resumes: true };
}

/** Seconds; `undefined` for what is no number of them. As in Waypoint, 0 is nothing said. */
function lookBackOf(params: URLSearchParams): number | undefined {
  const given = one(params, 'look_back') ?? '0';
  return /^\d{1,8}$/.test(given) ? Number(given) || USUAL_LOOK_BACK_SECONDS : undefined;
}

/** As FastAPI answers it. */
function sendWrongLookBack(response: Response, params: URLSearchParams): void {
  const msg = 'Input should be a valid integer: send seconds, such as look_back=60';
  const detail = [
    { type: 'int_parsing', loc: ['query', 'look_back'], msg, input: params.get('look_back') ?? '' },
  ];
  response.status(422).json({ detail });
}

/** The sign of life that Waypoint's server sends, without the blank line that some clients take for an event. */
function ping(now: number): Buffer {
  const time = new Date(now).toISOString().replace('T', ' ').replace('Z', '000+00:00');
  return Buffer.from(`: ping - ${time}\n`);
}
