package main

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
)

// serveApp is the application, on TCP and on a Unix socket: `GET /N` is answered with N bytes, a body is read and thrown
// away.
func serveApp(addr, path string) {
	go accept("unix", path)
	accept("tcp", addr)
}

func accept(network, addr string) {
	listener, err := net.Listen(network, addr)
	if err != nil {
		fail(err.Error())
	}
	for {
		socket, err := listener.Accept()
		if err != nil {
			fail(err.Error())
		}
		go serve(socket)
	}
}

func serve(socket net.Conn) {
	defer socket.Close()
	buffer := make([]byte, 64*1024)
	var answerPath string
	var head, body []byte
	var size int64
	filled := 0
	for {
		end := bytes.Index(buffer[:filled], headEnd)
		for end < 0 {
			n, err := socket.Read(buffer[filled:])
			if err != nil {
				return
			}
			filled += n
			end = bytes.Index(buffer[:filled], headEnd)
		}
		request := buffer[:end+2]
		target := request[bytes.IndexByte(request, ' ')+1:]
		target = target[:bytes.IndexAny(target, " ?")]
		if string(target) != answerPath {
			answerPath = string(target)
			size, _ = strconv.ParseInt(answerPath[1:], 10, 64)
			head = []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: app\r\nContent-Length: %d\r\n\r\n", size))
			body = bytes.Repeat([]byte("x"), int(min(size, 256*1024)))
			if size <= 64*1024 {
				head = append(head, body...)
			}
		}
		length, _ := contentLength(request)
		rest := int64(filled - end - 4)
		for length > rest {
			n, err := socket.Read(buffer)
			if err != nil {
				return
			}
			rest += int64(n)
		}
		// Behind a body nothing is expected before the answer; behind a head without one, the next head may be there.
		filled = 0
		if _, err := socket.Write(head); err != nil {
			return
		}
		if size > 64*1024 {
			for left := size; left > 0; left -= int64(len(body)) {
				if left < int64(len(body)) {
					body = body[:left]
				}
				if _, err := socket.Write(body); err != nil {
					return
				}
			}
			body = bytes.Repeat([]byte("x"), int(min(size, 256*1024)))
		}
	}
}
