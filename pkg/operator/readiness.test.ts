import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualTime } from '../../test/support/manual-time.ts';
import { createReadiness } from './readiness.ts';

function start() {
  const time = createManualTime(0);
  const stopping = new AbortController();
  const state = { certificate: [] as string[], open: true, watch: ['Pods have not been listed yet'], listed: false };
  const ready = createReadiness({
    clock: time.clock,
    certificateFaults: () => state.certificate,
    ports: () => [['the webhook port', state.open]],
    watchFaults: () => state.watch,
    listed: () => state.listed,
    stopping: stopping.signal,
  });
  return { time, state, ready, stopping };
}

test('a replica that starts is not ready before it has listed', () => {
  const { state, ready } = start();
  assert.deepEqual(ready(), ['Pods have not been listed yet']);
  state.listed = true;
  assert.deepEqual(ready(), []);
});

test('a list that fails later takes no replica away from the webhook', () => {
  const { state, ready } = start();
  state.listed = true;
  ready();
  state.listed = false;
  assert.deepEqual(ready(), []);
});

test('a replica that cannot list serves the webhook all the same, after a while', () => {
  const { time, ready } = start();
  time.advance(29_999);
  assert.equal(ready().length, 1);
  time.advance(1);
  assert.deepEqual(ready(), []);
});

test('without a certificate, without a port and while it stops nobody is sent to it', () => {
  const { state, ready, stopping } = start();
  state.listed = true;
  state.certificate = ['the certificate has expired'];
  state.open = false;
  stopping.abort();
  assert.deepEqual(ready(), [
    'the operator is stopping',
    'the certificate has expired',
    'the webhook port is not open yet',
  ]);
});
