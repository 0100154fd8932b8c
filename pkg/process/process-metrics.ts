import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Clock } from './clock.ts';

/**
 * Registers what every process shows of itself: memory, CPU time, start time and the event loop's delay.
 * @returns how to stop the measurement of the event loop.
 */
export function registerProcessMetrics(registry: Registry, clock: Clock): () => void {
  const registers = [registry];
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start of the process, Unix seconds.',
    registers,
  }).set(Math.round(clock.wallMs() / 1000 - process.uptime()));
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  let countedSeconds = 0;
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of the process.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const seconds = (user + system) / 1e6;
      this.inc(Math.max(0, seconds - countedSeconds));
      countedSeconds = Math.max(countedSeconds, seconds);
    },
  });
  return registerLoopDelay(registry);
}

/**
 * Registers the delay of this thread's event loop. Several scrapers read the same window, so a scrape never resets it; a
 * timer does. @returns how to stop the measurement.
 */
export function registerLoopDelay(registry: Registry): () => void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  let previous = { p50: 0, p99: 0, max: 0 };
  const read = () => ({
    p50: histogram.percentile(50),
    p99: histogram.percentile(99),
    max: histogram.max,
  });
  const timer = setInterval(() => {
    previous = read();
    histogram.reset();
  }, windowMs);
  timer.unref();
  new Gauge({
    name: 'lychgate_event_loop_delay_seconds',
    help: 'How late the event loop turned, over the last 10 to 20 seconds; percentile 100 is the worst.',
    // Not `quantile`: Prometheus keeps that name for summaries.
    labelNames: ['percentile'],
    aggregator: 'max',
    registers: [registry],
    collect() {
      const now = read();
      this.set({ percentile: '50' }, delaySeconds(Math.max(previous.p50, now.p50)));
      this.set({ percentile: '99' }, delaySeconds(Math.max(previous.p99, now.p99)));
      this.set({ percentile: '100' }, delaySeconds(Math.max(previous.max, now.max)));
    },
  });
  return () => {
    clearInterval(timer);
    histogram.disable();
  };
}

/** The histogram counts the timer's own interval, in nanoseconds. */
function delaySeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3);
}

const resolutionMs = 20;
const windowMs = 10_000;
