package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// client is one HTTP/1.1 connection with a buffer of its own.
type client struct {
	socket net.Conn
	buffer []byte
	from   int
	to     int
	// Told of the bytes of a body as they come, where a body may take longer than the measurement.
	progress func(bytes int64)
}

func request(method string, length int64, close bool) []byte {
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n", method, *path, *name)
	if length > 0 {
		text += fmt.Sprintf("Content-Length: %d\r\n", length)
	}
	if *trace {
		text += "Tracestate: load=00000000\r\n"
	}
	if close {
		text += "Connection: close\r\n"
	}
	return []byte(text + "\r\n")
}

func connect(config *tls.Config) (*tls.Conn, error) {
	raw, err := net.DialTimeout("tcp", *addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	socket := tls.Client(raw, config)
	socket.SetDeadline(time.Now().Add(5 * time.Minute))
	if err := socket.Handshake(); err != nil {
		raw.Close()
		return nil, err
	}
	if suite := socket.ConnectionState().CipherSuite; !equalWork[suite] {
		raw.Close()
		return nil, errors.New("agreed on " + tls.CipherSuiteName(suite) + ", which is other work than AES-128-GCM")
	}
	return socket, nil
}

// equalWork are the suites that every proxy is to agree on: comparing AES-128 with AES-256 compares those.
var equalWork = map[uint16]bool{
	tls.TLS_AES_128_GCM_SHA256:                  true,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: true,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:   true,
}

// answer reads one response with a Content-Length. Returns the bytes of its body; any status but 200 is an error.
func (c *client) answer() (int64, error) {
	c.from, c.to = 0, 0
	var end int
	for {
		n, err := c.socket.Read(c.buffer[c.to:])
		c.to += n
		if end = bytes.Index(c.buffer[:c.to], headEnd); end >= 0 {
			break
		}
		if err != nil {
			return 0, err
		}
		if c.to == len(c.buffer) {
			return 0, errors.New("response head too large")
		}
	}
	head := c.buffer[:end+2]
	if !bytes.HasPrefix(head, ok) {
		return 0, errors.New("answer: " + string(head[:bytes.IndexByte(head, '\r')]))
	}
	length, err := contentLength(head)
	if err != nil {
		return 0, err
	}
	left := length - int64(c.to-end-4)
	for left > 0 {
		n, err := c.socket.Read(c.buffer)
		left -= int64(n)
		if c.progress != nil {
			c.progress(int64(n))
		}
		if err != nil && left > 0 {
			return 0, err
		}
	}
	if left < 0 {
		return 0, errors.New("bytes after the answer")
	}
	return length, nil
}

func contentLength(head []byte) (int64, error) {
	for _, name := range lengthNames {
		if at := bytes.Index(head, name); at >= 0 {
			value := head[at+len(name):]
			return strconv.ParseInt(string(bytes.TrimSpace(value[:bytes.IndexByte(value, '\r')])), 10, 64)
		}
	}
	return 0, errors.New("answer without Content-Length")
}

func keepAlive(w *worker, config *tls.Config) {
	head := request("GET", 0, false)
	number := 0
	digits := head[bytes.IndexByte(head, '=')+1:]
	exchange(w, config, head, func(c *client, head []byte) (int64, error) {
		if *vary || *trace {
			number++
			copy(digits, fmt.Sprintf("%08d", number))
		}
		if _, err := c.socket.Write(head); err != nil {
			return 0, err
		}
		return c.answer()
	})
}

func bulk(w *worker, config *tls.Config) {
	if *upload == 0 {
		exchange(w, config, request("GET", 0, false), func(c *client, head []byte) (int64, error) {
			c.progress = w.progress
			if _, err := c.socket.Write(head); err != nil {
				return 0, err
			}
			_, err := c.answer()
			return 0, err
		})
		return
	}
	piece := make([]byte, 256*1024)
	exchange(w, config, request("POST", *upload, false), func(c *client, head []byte) (int64, error) {
		if _, err := c.socket.Write(head); err != nil {
			return 0, err
		}
		for left := *upload; left > 0; {
			part := piece
			if left < int64(len(part)) {
				part = part[:left]
			}
			n, err := c.socket.Write(part)
			if err != nil {
				return 0, err
			}
			left -= int64(n)
			w.progress(int64(n))
			if w.over() {
				return 0, errOver
			}
		}
		_, err := c.answer()
		return 0, err
	})
}

// progress counts bytes of a transfer that may take longer than the measurement.
func (w *worker) progress(bytes int64) {
	if w.clock.now() == 1 {
		w.bytes += bytes
	}
}

// exchange repeats one request on a kept connection, which is opened again after an error.
func exchange(w *worker, config *tls.Config, head []byte, once func(c *client, head []byte) (int64, error)) {
	for !w.over() {
		socket, err := connect(config)
		if err != nil {
			w.failed(err.Error())
			time.Sleep(10 * time.Millisecond)
			continue
		}
		c := &client{socket: socket, buffer: make([]byte, 64*1024)}
		for !w.over() {
			n, err := once(c, head)
			if err != nil {
				w.failed(err.Error())
				break
			}
			w.one(n)
		}
		socket.NetConn().Close()
	}
}

func handshakes(w *worker, config *tls.Config) {
	own := config.Clone()
	if *resume {
		own.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	head := request("GET", 0, true)
	c := &client{buffer: make([]byte, 64*1024)}
	for !w.over() {
		socket, err := connect(own)
		if err != nil {
			w.failed(err.Error())
			time.Sleep(10 * time.Millisecond)
			continue
		}
		c.socket = socket
		var n int64
		if _, err = socket.Write(head); err == nil {
			n, err = c.answer()
		}
		if err != nil {
			w.failed(err.Error())
		} else {
			w.one(n)
			if w.clock.now() == 1 && socket.ConnectionState().DidResume {
				w.resumed++
			}
		}
		socket.NetConn().Close()
	}
}

// fixedRate sends at set times. A request that has to wait for the one before it counts from when it was due.
func fixedRate(w *worker, config *tls.Config) {
	interval := time.Duration(float64(time.Second) * float64(*conns) / *rate)
	due := time.Now().Add(interval * time.Duration(w.index) / time.Duration(*conns))
	exchange(w, config, request("GET", 0, false), func(c *client, head []byte) (int64, error) {
		now := time.Now()
		if now.Before(due) {
			time.Sleep(due.Sub(now))
			now = time.Now()
		} else {
			now = due
		}
		due = due.Add(interval)
		if _, err := c.socket.Write(head); err != nil {
			return 0, err
		}
		n, err := c.answer()
		if err == nil {
			w.took(int64(time.Since(now)))
		}
		return n, err
	})
}

// idle opens connections, makes one request on each, and looks at the memory of who keeps them.
func idle(config *tls.Config) Result {
	before := treeRSS(*pid)
	result := Result{Bytes: before}
	begun := time.Now()
	for i := 0; i < *conns; i++ {
		socket, err := connect(config)
		if err == nil {
			_, err = socket.Write(request("GET", 0, false))
		}
		if err == nil {
			_, err = (&client{socket: socket, buffer: make([]byte, 16*1024)}).answer()
		}
		if err != nil {
			result.Errors++
			result.FirstError = err.Error()
			break
		}
		kept = append(kept, socket)
		result.Requests++
	}
	result.Seconds = time.Since(begun).Seconds()
	time.Sleep(*settle)
	result.ProxyRSSKiB = treeRSS(*pid)
	return result
}

var (
	kept        []*tls.Conn
	errOver     = errors.New("over")
	headEnd     = []byte("\r\n\r\n")
	ok          = []byte("HTTP/1.1 200")
	lengthNames = [][]byte{[]byte("\r\nContent-Length:"), []byte("\r\ncontent-length:")}
)
