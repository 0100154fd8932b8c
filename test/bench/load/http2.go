package main

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// http2 keeps a number of streams open on one connection. Just enough of RFC 9113 to load a server with: requests are
// one HEADERS frame without Huffman coding, windows are as large as they get, answers are told by their first octet.
func http2(w *worker, config *tls.Config) {
	for !w.over() {
		socket, err := connect(config)
		if err == nil {
			err = streamsOf(w, socket)
			socket.NetConn().Close()
		}
		if err != nil {
			w.failed(err.Error())
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func streamsOf(w *worker, socket *tls.Conn) error {
	block := headerBlock()
	out := append([]byte(nil), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"...)
	out = frame(out, frameSettings, 0, 0, []byte{0, 4, 0x7f, 0xff, 0xff, 0xff})
	out = frame(out, frameWindowUpdate, 0, 0, []byte{0x40, 0, 0, 0})
	next := uint32(1)
	for i := 0; i < *streams; i++ {
		out = frame(out, frameHeaders, flagEndStream|flagEndHeaders, next, block)
		next += 2
	}
	buffer := make([]byte, 256*1024)
	from, to, used := 0, 0, uint32(0)
	for !w.over() {
		if len(out) > 0 {
			if _, err := socket.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		n, err := socket.Read(buffer[to:])
		if err != nil {
			return err
		}
		to += n
		for to-from >= 9 {
			length := int(buffer[from])<<16 | int(buffer[from+1])<<8 | int(buffer[from+2])
			if to-from < 9+length {
				break
			}
			kind, flags := buffer[from+3], buffer[from+4]
			payload := buffer[from+9 : from+9+length]
			from += 9 + length
			switch kind {
			case frameHeaders:
				if !isOk(payload) {
					return errors.New("h2 answer other than 200")
				}
			case frameData:
				used += uint32(length)
			case frameSettings:
				if flags&1 == 0 {
					out = frame(out, frameSettings, 1, 0, nil)
				}
			case framePing:
				if flags&1 == 0 {
					out = frame(out, framePing, 1, 0, payload)
				}
			case frameReset:
				return errors.New("h2 stream was reset")
			case frameGoAway:
				return io.ErrUnexpectedEOF
			}
			if (kind == frameHeaders || kind == frameData) && flags&flagEndStream != 0 {
				w.one(0)
				out = frame(out, frameHeaders, flagEndStream|flagEndHeaders, next, block)
				next += 2
			}
		}
		if from == to {
			from, to = 0, 0
		} else if from > len(buffer)/2 {
			to = copy(buffer, buffer[from:to])
			from = 0
		}
		if used > 1<<29 {
			out = frame(out, frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, used))
			used = 0
		}
	}
	return nil
}

func headerBlock() []byte {
	block := []byte{0x82, 0x87} // GET, https
	literal := func(prefix []byte, value string) {
		block = append(append(append(block, prefix...), byte(len(value))), value...)
	}
	literal([]byte{0x04}, *path)
	literal([]byte{0x01}, *name)
	literal([]byte{0x0f, 58 - 15}, "load")
	literal([]byte{0x0f, 19 - 15}, "*/*")
	return block
}

// isOk looks for `:status: 200`, behind changes of the table's size.
func isOk(block []byte) bool {
	for len(block) > 0 && block[0]&0xe0 == 0x20 {
		if block[0]&0x1f == 0x1f {
			for block = block[1:]; len(block) > 0 && block[0]&0x80 != 0; {
				block = block[1:]
			}
		}
		block = block[1:]
	}
	return len(block) > 0 && block[0] == 0x88
}

func frame(out []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	out = append(out, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	out = binary.BigEndian.AppendUint32(out, stream)
	return append(out, payload...)
}

const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8
	flagEndStream     = 1
	flagEndHeaders    = 4
)
