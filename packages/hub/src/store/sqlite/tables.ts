import type { Commands } from './commands.js';
import { ConsumerTable } from './consumer-table.js';
import { CredentialTables } from './credential-tables.js';
import { DeadLetterTables } from './dead-letter-tables.js';
import { LogIndex } from './log-index.js';
import { LogTables } from './log-tables.js';
import { LogTrim } from './log-trim.js';
import { PlaceTables } from './place-tables.js';
import { QuarantineTable } from './quarantine-table.js';
import { RegistryTables } from './registry-tables.js';
import type { Database } from './sqlite-driver.js';
import { TopicNumbers } from './topic-numbers.js';

/** Every command of the store, as statements over one connection. */
export class Tables {
  readonly log: LogTables;
  readonly index: LogIndex;
  readonly trim: LogTrim;
  readonly registry: RegistryTables;
  readonly letters: DeadLetterTables;
  readonly places: PlaceTables;
  readonly quarantine: QuarantineTable;
  readonly credentials: CredentialTables;
  readonly consumers: ConsumerTable;

  constructor(database: Database) {
    const topics = new TopicNumbers(database);
    this.log = new LogTables(database, topics);
    this.index = new LogIndex(database, topics);
    this.trim = new LogTrim(database);
    this.registry = new RegistryTables(database, topics);
    this.letters = new DeadLetterTables(database);
    this.places = new PlaceTables(database);
    this.quarantine = new QuarantineTable(database);
    this.credentials = new CredentialTables(database);
    this.consumers = new ConsumerTable(database);
  }

  get commands(): Commands {
    const { log, index, trim, registry, letters, places, quarantine, credentials, consumers } = this;
    return {
      append: (entries) => log.append(entries),
      trimLog: (retention, now) => trim.round(retention, now),
      readLog: (topics, after, limit) => log.read(topics, after, limit),
      findEntry: (topic, position) => log.find(topic, position),
      positionBefore: (topic, time) => index.before(topic, time),
      contentsAfter: (after, limit) => index.contentsAfter(after, limit),
      contentsThrough: (position, limit) => index.contentsThrough(position, limit),
      findNamed: (id, limit) => index.named(id, limit),
      earliest: () => index.earliest(),
      positionOfLast: (topics, count) => index.last(topics, count),
      positionSince: (time) => index.since(time),
      positionSinceEventTime: (topic, time) => index.sinceEventTime(topic, time),
      behind: (topic, after, most) => index.behind(topic, after, most),
      newest: (topics) => index.newest(topics),
      logSize: () => log.size(),
      saveTopic: (topic) => registry.saveTopic(topic),
      removeTopic: (url, version) => registry.removeTopic(url, version),
      topicsAfter: (page) => registry.topicsAfter(page),
      findKnownTopics: (filter, page) => registry.findKnownTopics(filter, page),
      saveSubscription: (subscription) => registry.saveSubscription(subscription),
      removeSubscription: (id, version) => registry.removeSubscription(id, version),
      subscriptionsAfter: (number, limit) => registry.subscriptionsAfter(number, limit),
      findSubscriptions: (filter, page) => registry.findSubscriptions(filter, page),
      findSubscription: (key) => registry.findSubscription(key),
      addDeadLetters: (added, kept) => letters.add(added, kept),
      removeDeadLetter: (id) => letters.remove(id),
      askRedelivery: (filter, at, after) => letters.askRedelivery(filter, at, after),
      findDeadLetters: (filter, page) => letters.find(filter, page),
      listRedeliveries: (after, limit, each) => letters.toRedeliver(after, limit, each),
      trimDeadLetters: (before) => letters.trim(before),
      countDeadLetters: () => letters.count(),
      savePlaces: (batch) => places.save(batch),
      quarantine: (source, rows) => quarantine.add(source, rows),
      placesAfter: (number, limit) => places.after(number, limit),
      addCredential: (id, record) => credentials.add(id, record),
      removeCredential: (id) => credentials.remove(id),
      findCredentials: (page) => credentials.find(page),
      addRevocation: (revocation) => credentials.revoke(revocation),
      revocationsAfter: (number, limit) => credentials.revocationsAfter(number, limit),
      saveConsumers: (rows) => consumers.save(rows),
      removeConsumers: (ids) => consumers.remove(ids),
      consumersAfter: (page) => consumers.after(page),
    };
  }
}
