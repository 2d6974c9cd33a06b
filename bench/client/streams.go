package main

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"strconv"
	"sync"
	"time"
)

var sentMark = []byte("sent_ns=")

// first: one short stream at a time on one connection; from the request's first byte to the answer's.
func (l *load) first() any {
	var all []time.Duration
	for range l.count {
		request := l.call(smallBody(true), map[string]string{"Bench-Events": strconv.Itoa(l.events)})
		sent := time.Now()
		response := l.send(request)
		one := make([]byte, 1)
		if _, err := io.ReadFull(response.Body, one); err != nil {
			log.Fatal(err)
		}
		all = append(all, time.Since(sent))
		finish(response.Body)
	}
	return map[string]any{"first_chunk_ms": quantiles(all)}
}

// streams: how many of the events came, and how long after they were sent.
func (l *load) streams() any {
	var mu sync.Mutex
	var all []time.Duration
	received, ended := 0, 0
	began := time.Now()
	l.each(func(n int) {
		time.Sleep(time.Duration(l.over * float64(time.Second) * float64(n) / float64(l.parallel)))
		response := l.send(l.call(smallBody(true), map[string]string{
			"Bench-Call":   "stream-" + strconv.Itoa(n),
			"Bench-Events": strconv.Itoa(l.events),
			"Bench-Rate":   strconv.Itoa(l.rate),
		}))
		delays, stopped := readStream(response.Body, l.events)
		mu.Lock()
		defer mu.Unlock()
		received += len(delays)
		// The first event is held back until the stream is certain: the mode `first` measures that.
		if len(delays) > 0 {
			all = append(all, delays[1:]...)
		}
		if stopped {
			ended++
		}
	})
	return map[string]any{
		"events_sent": l.parallel * l.events, "events_received": received,
		"streams": l.parallel, "streams_ended": ended,
		"seconds": time.Since(began).Seconds(), "delay_ms": quantiles(all),
	}
}

// readStream gives the delay of each delta, and whether the stream came to its end.
func readStream(body io.ReadCloser, expected int) ([]time.Duration, bool) {
	delays := make([]time.Duration, 0, expected)
	stopped := false
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadSlice('\n')
		if mark := bytes.Index(line, sentMark); mark >= 0 {
			now := time.Now().UnixNano()
			digits := line[mark+len(sentMark):]
			sent, wrong := strconv.ParseInt(string(digits[:bytes.IndexByte(digits, ' ')]), 10, 64)
			if wrong != nil {
				log.Fatal(wrong)
			}
			delays = append(delays, time.Duration(now-sent))
		} else if bytes.HasPrefix(line, []byte("event: message_stop")) {
			stopped = true
		}
		if err != nil {
			break
		}
	}
	_ = body.Close()
	return delays, stopped
}
