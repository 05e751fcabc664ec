import { randomBytes } from 'node:crypto';
import type { Database } from '../sqlite-driver.js';

export function createTables(database: Database): void {
  database.exec(`
    -- One row: the identity of the log, and running totals of the entries that are kept.
    CREATE TABLE log (
      epoch TEXT NOT NULL,
      entries INTEGER NOT NULL,
      bytes INTEGER NOT NULL
    ) STRICT;

    -- A topic's URL once, however many entries and subscriptions it has. Never removed where 'trimmed' is not 0: the position
    -- of the newest entry that retention removed is what tells a late reader of a gap.
    CREATE TABLE topic (
      number INTEGER PRIMARY KEY,
      url TEXT NOT NULL UNIQUE,
      trimmed INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    -- AUTOINCREMENT, because the position of a removed entry must never be given again.
    -- The body comes last, so that the other columns are read without it.
    CREATE TABLE entry (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      topic INTEGER NOT NULL REFERENCES topic,
      id TEXT NOT NULL,
      type TEXT,
      content_type TEXT NOT NULL,
      headers TEXT NOT NULL,
      published_at REAL NOT NULL,
      digest BLOB NOT NULL,
      body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX entry_by_topic ON entry (topic, position);

    -- Ids of idempotent entries of the last 24 hours. They outlive their entry: a repeated id is answered as before even
    -- when retention was faster. Rows are in the order of appending, so the oldest have the lowest rowid.
    CREATE TABLE recent_id (
      topic INTEGER NOT NULL REFERENCES topic,
      id TEXT NOT NULL,
      position INTEGER NOT NULL,
      published_at REAL NOT NULL,
      PRIMARY KEY (topic, id)
    ) STRICT;

    CREATE TABLE topic_record (
      url TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      record TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Topics that somebody registered or pinged, subscribed to, or published, while the log still has an entry.
    CREATE VIEW known_topic AS
      SELECT topic.url AS url, coalesce(version, 0) AS version, record
      FROM topic LEFT JOIN topic_record ON topic_record.url = topic.url
      WHERE version IS NOT NULL
        OR EXISTS (SELECT 1 FROM subscription WHERE subscription.topic = topic.number)
        OR EXISTS (SELECT 1 FROM entry WHERE entry.topic = topic.number);

    CREATE TABLE subscription (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      topic INTEGER NOT NULL REFERENCES topic,
      callback TEXT NOT NULL,
      version INTEGER NOT NULL,
      lease TEXT,
      pending TEXT,
      UNIQUE (callback, topic)
    ) STRICT;
    CREATE INDEX subscription_by_topic ON subscription (topic, id);

    -- Not WITHOUT ROWID: places that were first saved together lie together, whatever their ids, so a batch touches few pages.
    CREATE TABLE place (
      number INTEGER PRIMARY KEY,
      subscription TEXT NOT NULL UNIQUE,
      position INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      due_at REAL NOT NULL
    ) STRICT;

    CREATE TABLE dead_letter (
      id TEXT PRIMARY KEY,
      letter TEXT NOT NULL,
      topic TEXT AS (letter ->> 'topic'),
      callback TEXT AS (letter ->> 'callback'),
      subscription TEXT AS (letter ->> 'subscription'),
      at REAL AS (letter ->> 'at')
    ) STRICT;
    CREATE INDEX dead_letter_by_topic ON dead_letter (topic, id);
    CREATE INDEX dead_letter_by_callback ON dead_letter (callback, id);
    CREATE INDEX dead_letter_by_subscription ON dead_letter (subscription, id);
    CREATE INDEX dead_letter_by_age ON dead_letter (at);
  `);
  database
    .prepare('INSERT INTO log (epoch, entries, bytes) VALUES (?, 0, 0)')
    .run(randomBytes(6).toString('hex'));
}
