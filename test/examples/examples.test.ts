import { expect, it, onTestFinished, vi } from 'vitest';
import { until } from '../support/until.js';
import { ExampleProcess, outputOf } from './example-process.js';

// Each test is a process, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000 });

it('02 gives each update to the method that each dispatch map names', async () => {
  const output = await outputOf('02');
  const lines = output.split('\n').filter((line) => line.startsWith('  by'));
  // Three services are told at the same time.
  expect(lines.toSorted()).toEqual(
    [
      '  by header   Issue opened: ID: 1, Title: It is slow',
      '  by header   Issue ID 1 assigned to ada',
      '  by header   Issue opened: ID: 2, Title: It is faster than light',
      '  by header   something else: {"action":"assigned","id":2,"assignedTo":"grace"}',
      '  by payload  Issue opened by grace',
      '  by payload  ada has more to do',
      '  by payload  Issue opened by ada',
      '  by payload  grace has more to do',
      '  by both     somebody: It is slow',
      '  by both     {"action":"assigned","id":1,"assignedTo":"ada"}',
      '  by both     Ada herself: It is faster than light',
      '  by both     {"action":"assigned","id":2,"assignedTo":"grace"}',
    ].toSorted(),
  );
});

it.each(['03', '04'])('%s follows a blog, and the routes of the app go on', async (number) => {
  const output = await outputOf(number);
  expect(output).toContain('["Fog from the west","A sail on the horizon","Written by hand"]');
});

it('04 ends its subscription at SIGTERM', async () => {
  const example = ExampleProcess.started('04', '--keep');
  onTestFinished(() => void example.child.kill('SIGKILL'));
  await until('it stays up', () => example.output.includes('it stays up'), 50_000);
  example.child.kill('SIGTERM');
  // Nest lets the signal end the process once everything is closed.
  expect([await example.ended, example.output]).toEqual([
    'SIGTERM',
    expect.stringContaining('unsubscribed from https://blog.example/feed'),
  ]);
});

it('05 passes its own tests, run by the command that runs every example by its number', async () => {
  const output = await ExampleProcess.ofScript('05').whole();
  expect(output).toMatch(/pass 5\n.*fail 0\n/);
});

it('07 prints every job, whatever goes down, and hears of the last two again', async () => {
  const lines = (await outputOf('07')).split('\n');
  const toldTo = (who: string): string[] =>
    lines.flatMap((line) => new RegExp(`^  ${who} +is told of (.*)`).exec(line)?.[1] ?? []);
  const [cards, menus, calendar, tickets] = ['business cards', 'menus', 'a calendar', 'tickets'];
  expect(toldTo('office')).toEqual([cards, menus, calendar, tickets]);
  const before = [cards, menus, calendar];
  const afterwards = [menus, calendar, tickets];
  const rewound = [calendar, tickets];
  expect(toldTo('press')).toEqual([...before, ...afterwards, ...rewound]);
});

it('08 waits for events of wallets, and lets nobody wait for what is not his', async () => {
  const output = await outputOf('08');
  const told = [
    'faber   is given "completed" of faber-1',
    'alice   is given "completed" of alice-1',
    'faber   is given "request" of faber-1',
    'without a key            403 {"detail":"Not authenticated"}',
    'with a key that is none  401 {"detail":"Unauthorized"}',
    'with alice\'s key         403 {"detail":"Unauthorized"}',
    'as admin of acme         200 and the event',
  ];
  expect(told.filter((line) => !output.includes(line))).toEqual([]);
  expect(output.match(/was answered 200, then 204, and has stopped by itself/g)).toHaveLength(3);
});

it('09 gives a phone that was away what it missed, from a hub that was started anew', async () => {
  const output = await outputOf('09');
  const told = [
    'alice     is given 110 “Are you there?”',
    'alice     is given 130 “Hello?”',
    'Connected clients:alice ',
    'alice     announces itself: {"access_id":"alice","timestamp":131}',
    'alice     is given 140 “I am at the station.”',
    'alice     is given 150 “The train is late.”',
    'alice     was sent away: 1000 "close"',
  ];
  expect(told.filter((line) => !output.includes(line))).toEqual([]);
  expect(output.match(/is given \d/g)).toHaveLength(4);
});

it('lists the examples where none is named, and where there is none of the number', async () => {
  expect(await ExampleProcess.ofScript().whole()).toMatch(/01-hello\n {2}02-dispatch-maps\n/);
  const wrong = ExampleProcess.ofScript('99');
  expect([await wrong.ended, wrong.output]).toEqual([2, expect.stringContaining('05-testing')]);
});
