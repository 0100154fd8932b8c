// Command load drives one TLS server with client certificates and measures it: requests on kept connections, a handshake
// per request, HTTP/2 streams, bulk, fixed rates, idle connections. It also is the application behind the proxies
// (-mode app). It prints one line of JSON.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync"
	"time"
)

var (
	mode     = flag.String("mode", "keepalive", "app, keepalive, handshake, h2, bulk, rate, idle")
	addr     = flag.String("addr", "", "host:port of the server (of the application in mode app)")
	unixPath = flag.String("socket", "", "Unix socket of the application too, in mode app")
	name     = flag.String("name", "localhost", "server name and Host")
	path     = flag.String("path", "/1024", "target; the application answers with that many bytes")
	vary     = flag.Bool("vary", false, "another query in every request of mode keepalive")
	trace    = flag.Bool("trace", false, "another value of a header in every request of mode keepalive")
	conns    = flag.Int("conns", 64, "connections")
	settle   = flag.Duration("settle", 2*time.Second, "time in mode idle between the last connection and the look at the memory")
	streams  = flag.Int("streams", 10, "streams a connection in mode h2")
	rate     = flag.Float64("rate", 5000, "requests a second over all connections in mode rate")
	upload   = flag.Int64("upload", 0, "bytes of body to POST in mode bulk")
	warm     = flag.Duration("warm", 500*time.Millisecond, "time before the measurement")
	warmReqs = flag.Int64("warm-requests", 0, "requests after which the warm-up is over, however long it was to be")
	span     = flag.Duration("time", 2*time.Second, "time of the measurement")
	resume   = flag.Bool("resume", false, "keep TLS sessions in mode handshake")
	maxTLS   = flag.String("tls", "1.3", "newest TLS version: 1.2 or 1.3")
	pid      = flag.Int("pid", 0, "process whose tree's CPU time and memory are measured")
	appPid   = flag.Int("app-pid", 0, "the application's process, so that what others use can be told")
	certFile = flag.String("cert", "", "client certificate chain")
	keyFile  = flag.String("key", "", "client key")
	caFile   = flag.String("ca", "", "trusted roots")
)

// Result is what a measurement found. Times are in the units of their names.
type Result struct {
	Requests     int64   `json:"requests"`
	Bytes        int64   `json:"bytes"`
	Seconds      float64 `json:"seconds"`
	Errors       int64   `json:"errors"`
	FirstError   string  `json:"firstError,omitempty"`
	Resumed      int64   `json:"resumed"`
	ProxyCPU     float64 `json:"proxyCpuSeconds"`
	LoadCPU      float64 `json:"loadCpuSeconds"`
	OtherCPU     float64 `json:"otherCpuSeconds"`
	ProxyRSSKiB  int64   `json:"proxyRssKib"`
	P50Micros    float64 `json:"p50Micros,omitempty"`
	P99Micros    float64 `json:"p99Micros,omitempty"`
	WarmRequests int64   `json:"warmRequests"`
}

func main() {
	flag.Parse()
	if *mode == "app" {
		serveApp(*addr, *unixPath)
		return
	}
	config := clientConfig()
	if *vary {
		*path += "?n=00000000"
	}
	var result Result
	switch *mode {
	case "keepalive":
		result = measure(func(w *worker) { keepAlive(w, config) })
	case "handshake":
		result = measure(func(w *worker) { handshakes(w, config) })
	case "h2":
		config.NextProtos = []string{"h2"}
		result = measure(func(w *worker) { http2(w, config) })
	case "bulk":
		result = measure(func(w *worker) { bulk(w, config) })
	case "rate":
		result = measure(func(w *worker) { fixedRate(w, config) })
	case "idle":
		result = idle(config)
	default:
		fail("unknown mode " + *mode)
	}
	text, _ := json.Marshal(result)
	fmt.Println(string(text))
}

func clientConfig() *tls.Config {
	pair, err := tls.LoadX509KeyPair(*certFile, *keyFile)
	if err != nil {
		fail(err.Error())
	}
	pem, err := os.ReadFile(*caFile)
	if err != nil {
		fail(err.Error())
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{
		// Sent whatever the server names as its CAs.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
		RootCAs:              roots,
		ServerName:           *name,
		MinVersion:           tls.VersionTLS12,
		// The same work for all: not every peer has the post-quantum groups. TLS 1.2 needs the certificate's curve too.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
		// In TLS 1.2; that of TLS 1.3 is the server's choice. See equalWork.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		},
		NextProtos: []string{"http/1.1"},
	}
	if *maxTLS == "1.2" {
		config.MaxVersion = tls.VersionTLS12
	}
	return config
}

// worker is one connection's goroutine and what it counted.
type worker struct {
	index     int
	clock     *clock
	requests  int64
	bytes     int64
	errors    int64
	resumed   int64
	first     string
	latencies []int64
}

// clock says where the run stands: 0 warm-up, 1 measurement, 2 over.
type clock struct {
	phase int32
	done  int64
}

func measure(run func(w *worker)) Result {
	shared := &clock{}
	workers := make([]*worker, *conns)
	var group sync.WaitGroup
	for i := range workers {
		workers[i] = &worker{index: i, clock: shared}
		group.Add(1)
		go func(w *worker) {
			defer group.Done()
			run(w)
		}(workers[i])
	}
	warmed := waitForWarmUp(shared)
	proxy, self, app, machine := treeCPU(*pid), selfCPU(), treeCPU(*appPid), machineCPU()
	begun := time.Now()
	shared.set(1)
	time.Sleep(*span)
	shared.set(2)
	seconds := time.Since(begun).Seconds()
	result := Result{
		Seconds:      seconds,
		ProxyCPU:     treeCPU(*pid) - proxy,
		LoadCPU:      selfCPU() - self,
		OtherCPU:     machineCPU() - machine,
		ProxyRSSKiB:  treeRSS(*pid),
		WarmRequests: warmed,
	}
	// What neither proxy nor load nor application used: how disturbed the measurement was.
	result.OtherCPU -= result.ProxyCPU + result.LoadCPU + treeCPU(*appPid) - app
	finished := make(chan struct{})
	go func() { group.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(5 * time.Second):
		result.Errors++
		result.FirstError = "a connection did not come to its end"
	}
	var latencies []int64
	for _, w := range workers {
		result.Requests += w.requests
		result.Bytes += w.bytes
		result.Errors += w.errors
		result.Resumed += w.resumed
		if result.FirstError == "" {
			result.FirstError = w.first
		}
		latencies = append(latencies, w.latencies...)
	}
	if len(latencies) > 0 {
		sort.Slice(latencies, func(a, b int) bool { return latencies[a] < latencies[b] })
		result.P50Micros = float64(latencies[len(latencies)/2]) / 1e3
		result.P99Micros = float64(latencies[len(latencies)*99/100]) / 1e3
	}
	return result
}

func waitForWarmUp(shared *clock) int64 {
	end := time.Now().Add(*warm)
	for time.Now().Before(end) {
		time.Sleep(10 * time.Millisecond)
		if *warmReqs > 0 && shared.count() >= *warmReqs {
			break
		}
	}
	return shared.count()
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "load: "+text)
	os.Exit(1)
}
