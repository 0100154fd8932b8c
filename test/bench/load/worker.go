package main

import "sync/atomic"

func (c *clock) set(phase int32) { atomic.StoreInt32(&c.phase, phase) }
func (c *clock) now() int32      { return atomic.LoadInt32(&c.phase) }
func (c *clock) count() int64    { return atomic.LoadInt64(&c.done) }

// over says whether the measurement has ended.
func (w *worker) over() bool { return w.clock.now() == 2 }

// one counts a finished request.
func (w *worker) one(bytes int64) {
	switch w.clock.now() {
	case 0:
		atomic.AddInt64(&w.clock.done, 1)
	case 1:
		w.requests++
		w.bytes += bytes
	}
}

// took counts a request's latency in nanoseconds.
func (w *worker) took(nanos int64) {
	if w.clock.now() == 1 {
		w.latencies = append(w.latencies, nanos)
	}
}

// failed counts an error, unless the run is over: connections that are cut then prove nothing.
func (w *worker) failed(text string) {
	if w.over() {
		return
	}
	w.errors++
	if w.first == "" {
		w.first = text
	}
}
