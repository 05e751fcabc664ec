import {
  childHeaders,
  contentTypeOrDefault,
  digestOf,
  fetchResource,
  headerText,
  type Clock,
  type Content,
  type HttpClient,
  type HttpResponse,
  type Random,
} from '@websub/shared';
import { HostTurns } from '../delivery/host-turns.js';
import type { HubEmitter } from '../events.js';
import { entryId } from '../log/entry-id.js';
import type { Log, Position } from '../log/log.js';
import type { Roll } from '../subscription/roll.js';
import { fetched, pinged, validatorsOf, type FetchOutcome } from '../topic/fetch-decision.js';
import type { Ping, Topic } from '../topic/topic.js';
import { decodeContent } from './decode-content.js';
import type { Publications } from './publication.js';
import type { TopicRecords } from './topic-records.js';

export interface TopicFetchesOptions {
  readonly log: Pick<Log, 'newest'>;
  readonly publications: Publications;
  readonly records: TopicRecords;
  readonly roll: Roll;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  readonly userAgent: string;
  readonly maxBodyBytes: number;
  /** Fetch topics that nobody wants, too. */
  readonly fetchUnwanted: boolean;
  /** Whether somebody reads the topic at the moment who is no subscriber. */
  readonly isRead: (topic: string) => boolean;
  /** The topic may want attention at another time. */
  readonly onChange: (topic: Topic) => void;
}

/** Of a fetch's id, with which that of its entry begins. */
const RANDOM_BYTES = 6;
/** Fetches under way per publisher's host. */
export const FETCHES_PER_HOST = 4;
const IN_ALL = 32;
const ACCEPTED: ReadonlySet<number> = new Set([200, 203]);

/** Fetches topics that were pinged and appends what changed (section 6). */
export class TopicFetches {
  readonly #options: TopicFetchesOptions;
  readonly #turns = new HostTurns<Topic>({ perHost: FETCHES_PER_HOST, inAll: IN_ALL });
  #stopped = false;

  constructor(options: TopicFetchesOptions) {
    this.#options = options;
  }

  /**
   * A publisher says that a topic changed. Settles when the fetch is on the agenda on stable storage (LAW 1). Pings that
   * arrive before the fetch begins are one fetch; one that arrives while it is under way means another. A topic that
   * nobody wants is left alone.
   */
  async ping(url: string, ping: Ping = {}): Promise<void> {
    const { records, random, clock, events } = this.#options;
    if (!(await this.#isWanted(url))) return;
    await records.change(url, async (topic) => {
      events.emit('topic-pinged', { topic: url });
      if (topic.fetching) {
        // The stored fetch is still pending, so this ping is on stable storage already.
        topic.pingedAgain ??= ping;
      } else if (topic.record.fetch === null || topic.record.fetch.attempts > 0) {
        const fetch = { id: entryId(clock.now(), random, RANDOM_BYTES), ...ping };
        await records.save(topic, pinged(topic.record, fetch, clock.now()));
      }
    });
  }

  /** Of whatever the log holds something its readers want the rest when they come back. */
  async #isWanted(url: string): Promise<boolean> {
    const { log, roll, fetchUnwanted, isRead } = this.#options;
    return (
      fetchUnwanted ||
      roll.topics.get(url)?.isWanted === true ||
      isRead(url) ||
      (await log.newest([url])).has(url)
    );
  }

  /** Queues the topic's pending fetch; does nothing when there is none or it is queued. */
  fetch(topic: Topic): void {
    if (topic.fetching || topic.record.fetch === null) return;
    topic.fetching = true;
    this.#turns.add(hostOf(topic), topic);
    this.#pump();
  }

  /** Starts no further fetch; what is pending stays so in the store, and is fetched after the next start. */
  stop(): void {
    this.#stopped = true;
  }

  #pump(): void {
    if (this.#stopped) return;
    this.#turns.serve((topic) => void this.#run(topic));
  }

  async #run(topic: Topic): Promise<void> {
    try {
      // Pings that came while this fetch waited for its turn are answered by it.
      topic.pingedAgain = undefined;
      const outcome = await this.#fetch(topic);
      await this.#options.records.change(topic.url, () => this.#settle(topic, outcome));
    } catch (error) {
      // The store is broken: the fetch stays pending there, and is tried again after a while.
      topic.fetching = false;
      topic.record = fetched(
        topic.record,
        { kind: 'failed', detail: 'store' },
        undefined,
        this.#options.clock.now(),
      ).record;
      this.#options.events.emit('fault', { where: 'topic fetch', error });
    } finally {
      this.#turns.release(hostOf(topic));
      this.#options.onChange(topic);
      this.#pump();
    }
  }

  async #settle(topic: Topic, outcome: FetchOutcome): Promise<void> {
    const { clock, random, events, records } = this.#options;
    const next =
      topic.pingedAgain === undefined
        ? undefined
        : { id: entryId(clock.now(), random, RANDOM_BYTES), ...topic.pingedAgain };
    const { record, retryInMs } = fetched(topic.record, outcome, next, clock.now());
    if (outcome.kind === 'failed' || outcome.kind === 'refused') {
      events.emit('topic-fetch-failed', { topic: topic.url, detail: outcome.detail, retryInMs });
    }
    await records.save(topic, record);
    topic.fetching = false;
  }

  async #fetch(topic: Topic): Promise<FetchOutcome> {
    const { http, maxBodyBytes, userAgent, random } = this.#options;
    const { validators, record } = topic;
    const result = await fetchResource(http, {
      method: 'GET',
      url: topic.url,
      headers: {
        accept: '*/*',
        // The content is delivered and signed as bytes; what a coding added is none of the topic's (section 7).
        'accept-encoding': 'identity',
        'user-agent': userAgent,
        ...childHeaders(record.fetch?.trace, random),
        ...(validators?.etag === undefined ? {} : { 'if-none-match': validators.etag }),
        ...(validators?.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
      },
      answer: { kind: 'body', maxBytes: maxBodyBytes },
    });
    if (result.kind === 'failure') {
      const permanent = ['forbidden-address', 'too-large', 'bad-response'].includes(result.reason);
      return { kind: permanent ? 'refused' : 'failed', detail: result.detail };
    }
    return this.#read(topic, result.response);
  }

  async #read(topic: Topic, { status, headers, body }: HttpResponse): Promise<FetchOutcome> {
    const { events, clock, maxBodyBytes } = this.#options;
    if (status === 304) {
      events.emit('topic-fetched', { topic: topic.url, changed: false, status });
      return { kind: 'not-modified' };
    }
    const transient = status >= 500 || status === 429 || status === 408;
    if (!ACCEPTED.has(status))
      return { kind: transient ? 'failed' : 'refused', detail: `answered ${status}` };
    const decoded = await decodeContent(body, headerText(headers, 'content-encoding'), maxBodyBytes);
    if (decoded.kind === 'failure') return { kind: 'refused', detail: decoded.detail };
    const content = {
      body: decoded.body,
      contentType: contentTypeOrDefault(headerText(headers, 'content-type')),
    };
    const digest = digestOf(content);
    const known = topic.validators;
    const changed = digest !== known?.digest;
    events.emit('topic-fetched', { topic: topic.url, changed, status });
    const position = changed ? await this.#append(topic, content, digest) : known.position;
    const etag = headerText(headers, 'etag');
    const lastModified = headerText(headers, 'last-modified');
    return {
      kind: 'content',
      validators: validatorsOf({ etag, lastModified, digest, position }, clock.now()),
    };
  }

  async #append(topic: Topic, content: Content, digest: string): Promise<Position> {
    const { fetch } = topic.record;
    // A crash between this and saving the validators makes the hub fetch and append again: the same fetch with the same
    // content has the same id, and is one entry.
    const id = `${fetch?.id ?? ''}${digest.slice(0, 11).replace(/[+/]/g, '-')}`;
    const { position } = await this.#options.publications.publish({
      topic: topic.url,
      id,
      content,
      headers: {},
      ...(fetch?.trace !== undefined && { trace: fetch.trace }),
    });
    return position;
  }
}

function hostOf(topic: Topic): string {
  return new URL(topic.url).host;
}
