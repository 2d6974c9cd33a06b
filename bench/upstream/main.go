// The upstream of the benchmark: answers like the Messages API, as fast as it can, and ends when its
// standard input does.
//
// Request headers say what to do:
//
//	bench-events: N   stream N deltas, each with the wall time (ns) at which it was sent
//	bench-rate: R     so many deltas a second; 0 sends all at once
//	bench-call: ID    with bench-fail: N, answer the first N sends of this call 529, having read the body
package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const answer = `{"id":"msg_01BenchBenchBenchBench","type":"message","role":"assistant","model":"claude-sonnet-4-6",` +
	`"content":[{"type":"text","text":"Paris is the capital of France, and has been for most of its history."}],` +
	`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":21,"cache_creation_input_tokens":0,` +
	`"cache_read_input_tokens":0,"output_tokens":17,"service_tier":"standard"}}`

const overloaded = `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011Bench"}`

const streamHead = "event: message_start\n" +
	`data: {"type":"message_start","message":{"id":"msg_01BenchBenchBenchBench","type":"message","role":"assistant",` +
	`"model":"claude-sonnet-4-6","content":[],"stop_reason":null,"stop_sequence":null,` +
	`"usage":{"input_tokens":21,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}` + "\n\n" +
	"event: content_block_start\n" +
	`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n"

const streamTail = "event: content_block_stop\n" +
	`data: {"type":"content_block_stop","index":0}` + "\n\n" +
	"event: message_delta\n" +
	`data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":17}}` + "\n\n" +
	"event: message_stop\n" +
	`data: {"type":"message_stop"}` + "\n\n"

// The header lines that the API sends with every answer.
var answerHeaders = map[string]string{
	"Request-Id":                                  "req_011BenchBenchBenchBench",
	"Anthropic-Organization-Id":                   "00000000-0000-0000-0000-000000000000",
	"Anthropic-Ratelimit-Requests-Limit":          "4000",
	"Anthropic-Ratelimit-Requests-Remaining":      "3999",
	"Anthropic-Ratelimit-Requests-Reset":          "2030-01-01T00:00:00Z",
	"Anthropic-Ratelimit-Input-Tokens-Limit":      "2000000",
	"Anthropic-Ratelimit-Input-Tokens-Remaining":  "2000000",
	"Anthropic-Ratelimit-Input-Tokens-Reset":      "2030-01-01T00:00:00Z",
	"Anthropic-Ratelimit-Output-Tokens-Limit":     "400000",
	"Anthropic-Ratelimit-Output-Tokens-Remaining": "400000",
	"Anthropic-Ratelimit-Output-Tokens-Reset":     "2030-01-01T00:00:00Z",
	"Strict-Transport-Security":                   "max-age=31536000; includeSubDomains; preload",
	"Server":                                      "bench",
}

type upstream struct {
	mu    sync.Mutex
	sends map[string]int
}

func main() {
	address := flag.String("listen", "127.0.0.1:0", "address; the one in use is printed")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	server := &http.Server{Handler: &upstream{sends: map[string]int{}}, IdleTimeout: 2 * time.Minute}
	log.Fatal(server.Serve(listener))
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for name, value := range answerHeaders {
		w.Header()[name] = []string{value}
	}
	if u.fails(r) {
		reply(w, 529, overloaded)
		return
	}
	events := number(r, "Bench-Events")
	if events == 0 {
		reply(w, 200, answer)
		return
	}
	stream(w, r, events, number(r, "Bench-Rate"))
}

// fails counts this send of the call and says whether it is one of those that are to fail.
func (u *upstream) fails(r *http.Request) bool {
	call := r.Header.Get("Bench-Call")
	if call == "" {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sends[call]++
	return u.sends[call] <= number(r, "Bench-Fail")
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// stream sends the first delta together with the head, so that holding back until the first delta costs no
// waiting by itself. The later ones are spread over the period: streams do not tick in step.
func stream(w http.ResponseWriter, r *http.Request, events, rate int) {
	w.Header()["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	w.Header()["Cache-Control"] = []string{"no-cache"}
	flusher := w.(http.Flusher)
	_, _ = io.WriteString(w, streamHead)
	delta(w, 0)
	flusher.Flush()
	var period time.Duration
	if rate > 0 {
		period = time.Second / time.Duration(rate)
	}
	next := time.Now().Add(phase(r, period))
	for n := 1; n < events; n++ {
		if period > 0 {
			time.Sleep(time.Until(next))
			next = next.Add(period)
		}
		delta(w, n)
		flusher.Flush()
		if r.Context().Err() != nil {
			return
		}
	}
	_, _ = io.WriteString(w, streamTail)
}

func delta(w io.Writer, n int) {
	_, _ = fmt.Fprintf(w, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"+
		"\"delta\":{\"type\":\"text_delta\",\"text\":\"n=%d sent_ns=%d and a few words more\"}}\n\n",
		n, time.Now().UnixNano())
}

// phase is a share of the period that depends on the call alone, so that two runs are alike.
func phase(r *http.Request, period time.Duration) time.Duration {
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, r.Header.Get("Bench-Call"))
	return period * time.Duration(hash.Sum32()%1000) / 1000
}

func number(r *http.Request, header string) int {
	n, _ := strconv.Atoi(r.Header.Get(header))
	return n
}
