import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { suite, test } from 'node:test';
import { type Lifecycle, takeOverLifecycle } from './lifecycle.ts';
import { createLog } from './log.ts';

interface Scene {
  readonly source: EventEmitter;
  readonly lifecycle: Lifecycle;
  /** Log messages, parts' steps and exits, in order. */
  readonly events: string[];
  readonly exited: Promise<void>;
}

function scene(stopDeadlineMs = 60_000): Scene {
  const source = new EventEmitter();
  const events: string[] = [];
  const { promise: exited, resolve } = Promise.withResolvers<void>();
  const log = createLog({
    level: 'info',
    clock: { wallMs: () => 0, monotonicMs: () => 0 },
    write: (line) => {
      const { msg, part, err } = JSON.parse(line);
      events.push([msg, part, err?.message].filter((text) => text !== undefined).join(': '));
    },
  });
  const lifecycle = takeOverLifecycle({
    log,
    stopDeadlineMs,
    source,
    beforeExit: () => events.push('flush'),
    exit: (code) => {
      events.push(`exit ${code}`);
      resolve();
    },
  });
  return { source, lifecycle, events, exited };
}

suite('a process', () => {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    test(`stops its parts on ${signal}, the last first and one at a time, and exits 0`, async () => {
      const { source, lifecycle, events, exited } = scene();
      lifecycle.onStop('admin', () => void events.push('admin'));
      lifecycle.onStop('proxy', async () => {
        events.push('proxy begins');
        await new Promise((resolve) => setImmediate(resolve));
        events.push('proxy ends');
      });
      assert.equal(lifecycle.stopping.aborted, false);
      source.emit(signal);
      assert.equal(lifecycle.stopping.aborted, true);
      await exited;
      assert.deepEqual(events, ['stopping', 'proxy begins', 'proxy ends', 'admin', 'stopped', 'flush', 'exit 0']);
    });
  }

  test('exits at once on the second signal, whatever is unfinished', async () => {
    const { source, lifecycle, events, exited } = scene();
    lifecycle.onStop('proxy', () => new Promise(() => undefined));
    source.emit('SIGTERM');
    source.emit('SIGINT');
    await exited;
    assert.deepEqual(events, ['stopping', 'stopping at once: second signal', 'flush', 'exit 130']);
  });

  test('exits 1 when the deadline has passed, names the part, and tells it so', async () => {
    const { source, lifecycle, events, exited } = scene(1);
    let told: unknown;
    lifecycle.onStop('admin', () => void events.push('admin'));
    lifecycle.onStop('proxy', (signal) => {
      signal.addEventListener('abort', () => {
        told = signal.reason;
      });
      return new Promise(() => undefined);
    });
    source.emit('SIGTERM');
    await exited;
    assert.deepEqual(events, ['stopping', 'stop deadline passed: proxy', 'stopped', 'flush', 'exit 1']);
    assert.match(String(told), /stop deadline passed: 1 ms/);
  });

  test('stops the other parts when one fails, and exits 1', async () => {
    const { source, lifecycle, events, exited } = scene();
    lifecycle.onStop('admin', () => void events.push('admin'));
    lifecycle.onStop('proxy', () => {
      throw new Error('socket gone');
    });
    source.emit('SIGTERM');
    await exited;
    assert.deepEqual(events, [
      'stopping',
      'could not be stopped in order: proxy: socket gone',
      'admin',
      'stopped',
      'flush',
      'exit 1',
    ]);
  });

  test('can stop itself, once, with an exit code', async () => {
    const { lifecycle, events } = scene();
    await Promise.all([lifecycle.stop('done', 3), lifecycle.stop('again', 4)]);
    assert.deepEqual(events, ['stopping', 'stopped', 'flush', 'exit 3']);
  });

  const faults: readonly { readonly event: string; readonly fault: unknown; readonly want: string }[] = [
    { event: 'uncaughtException', fault: new Error('boom'), want: 'uncaught exception: exiting: boom' },
    { event: 'unhandledRejection', fault: 'text', want: 'unhandled rejection: exiting: text' },
  ];
  for (const { event, fault, want } of faults) {
    test(`logs an ${event} and exits 1 at once`, () => {
      const { source, lifecycle, events } = scene();
      lifecycle.onStop('proxy', () => void events.push('proxy'));
      source.emit(event, fault);
      source.emit(event, fault);
      assert.deepEqual(events.slice(0, 3), [want, 'flush', 'exit 1']);
      assert.equal(events.filter((entry) => entry.startsWith('exit')).length, 1);
    });
  }
});
