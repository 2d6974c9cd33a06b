// The client of the benchmark: `client MODE URL [flags]` drives one kind of load, prints one JSON object, ends.
//
//	requests  small calls, closed loop (where wrk is missing)
//	first     one stream at a time, time to the first chunk
//	streams   many streams at once, delay of each event since it was sent
//	bodies    large bodies at once
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"
)

type load struct {
	url      string
	client   *http.Client
	count    int
	parallel int
	events   int
	rate     int
	fail     int
	size     int
	seconds  float64
	over     float64
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: client requests|first|streams|bodies URL [flags]")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	l := load{url: os.Args[2]}
	flags.IntVar(&l.count, "count", 100, "calls in all, one after the other (first)")
	flags.IntVar(&l.parallel, "parallel", 1, "calls at once")
	flags.IntVar(&l.events, "events", 1, "deltas of a stream")
	flags.IntVar(&l.rate, "rate", 0, "deltas a second and stream")
	flags.IntVar(&l.fail, "fail", 0, "sends of each call that the upstream fails (bodies)")
	flags.IntVar(&l.size, "size", 1<<20, "bytes of a body (bodies)")
	flags.Float64Var(&l.seconds, "seconds", 1, "how long (requests)")
	flags.Float64Var(&l.over, "over", 0, "seconds over which the streams begin, one after the other (streams)")
	_ = flags.Parse(os.Args[3:])
	l.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: l.parallel,
		DisableCompression:  true,
	}, Timeout: 5 * time.Minute}
	modes := map[string]func() any{
		"requests": l.requests, "first": l.first, "streams": l.streams, "bodies": l.bodies,
	}
	mode, known := modes[os.Args[1]]
	if !known {
		log.Fatalf("there is no mode %q", os.Args[1])
	}
	if err := json.NewEncoder(os.Stdout).Encode(mode()); err != nil {
		log.Fatal(err)
	}
}

// call is what an SDK would send; extra: bench-* header lines.
func (l *load) call(body io.Reader, extra map[string]string) *http.Request {
	request, err := http.NewRequest(http.MethodPost, l.url+"/v1/messages", body)
	if err != nil {
		log.Fatal(err)
	}
	for name, value := range sdkHeaders {
		request.Header.Set(name, value)
	}
	for name, value := range extra {
		request.Header.Set(name, value)
	}
	return request
}

func (l *load) send(request *http.Request) *http.Response {
	response, err := l.client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		log.Fatalf("status %d: %s", response.StatusCode, said)
	}
	return response
}

var sdkHeaders = map[string]string{
	"Accept":                      "application/json",
	"Content-Type":                "application/json",
	"User-Agent":                  "Anthropic/Python 1.0.0",
	"X-Api-Key":                   "sk-ant-api03-bench-bench-bench-bench-bench",
	"Anthropic-Version":           "2023-06-01",
	"X-Stainless-Lang":            "python",
	"X-Stainless-Package-Version": "1.0.0",
	"X-Stainless-Os":              "Linux",
	"X-Stainless-Arch":            "x64",
	"X-Stainless-Runtime":         "CPython",
	"X-Stainless-Runtime-Version": "3.11.7",
	"X-Stainless-Async":           "false",
	"X-Stainless-Retry-Count":     "0",
	"X-Stainless-Read-Timeout":    "600",
}

func smallBody(stream bool) io.Reader {
	return strings.NewReader(fmt.Sprintf(`{"model":"claude-sonnet-4-6","max_tokens":1024,"stream":%t,`+
		`"system":"You are a helpful assistant that answers in one short sentence.",`+
		`"messages":[{"role":"user","content":"What is the capital of France, and since when has it been?"}]}`,
		stream))
}

// quantiles of durations, in milliseconds.
func quantiles(values []time.Duration) map[string]float64 {
	sort.Slice(values, func(i, j int) bool { return values[i] < values[j] })
	at := func(share float64) float64 {
		if len(values) == 0 {
			return 0
		}
		return float64(values[min(len(values)-1, int(share*float64(len(values))))]) / 1e6
	}
	return map[string]float64{"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1)}
}
