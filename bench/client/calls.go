package main

import (
	"io"
	"log"
	"strconv"
	"sync"
	"time"
)

// requests: small calls on a number of connections for some seconds.
func (l *load) requests() any {
	var mu sync.Mutex
	var all []time.Duration
	until := time.Now().Add(time.Duration(l.seconds * float64(time.Second)))
	began := time.Now()
	l.each(func(int) {
		var mine []time.Duration
		for time.Now().Before(until) {
			sent := time.Now()
			finish(l.send(l.call(smallBody(false), nil)).Body)
			mine = append(mine, time.Since(sent))
		}
		mu.Lock()
		all = append(all, mine...)
		mu.Unlock()
	})
	return map[string]any{
		"rate": float64(len(all)) / time.Since(began).Seconds(), "latency_ms": quantiles(all), "errors": 0,
	}
}

// bodies: large calls at once, each answered in the end.
func (l *load) bodies() any {
	began := time.Now()
	l.each(func(n int) {
		request := l.call(largeBody(l.size), map[string]string{
			"Bench-Call": "body-" + strconv.Itoa(n) + "-" + strconv.FormatInt(began.UnixNano(), 36),
			"Bench-Fail": strconv.Itoa(l.fail),
		})
		request.ContentLength = int64(l.size)
		finish(l.send(request).Body)
	})
	return map[string]any{"calls": l.parallel, "seconds": time.Since(began).Seconds()}
}

// each runs the work on so many goroutines and waits for all.
func (l *load) each(work func(n int)) {
	var group sync.WaitGroup
	for n := range l.parallel {
		group.Add(1)
		go func() {
			defer group.Done()
			work(n)
		}()
	}
	group.Wait()
}

func finish(body io.ReadCloser) {
	if _, err := io.Copy(io.Discard, body); err != nil {
		log.Fatal(err)
	}
	_ = body.Close()
}

const (
	largeHead = `{"model":"claude-sonnet-4-6","max_tokens":1024,"messages":[{"role":"user","content":` +
		`[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"`
	largeTail = `"}}]}]}`
)

// large is a call with an image of so many bytes, made as it is read: the client keeps none of it.
type large struct {
	head, tail string
	middle     int
}

func largeBody(size int) io.Reader {
	return &large{head: largeHead, middle: size - len(largeHead) - len(largeTail), tail: largeTail}
}

func (b *large) Read(p []byte) (int, error) {
	switch {
	case b.head != "":
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	case b.middle > 0:
		n := min(len(p), b.middle)
		for i := range n {
			p[i] = 'A'
		}
		b.middle -= n
		return n, nil
	case b.tail != "":
		n := copy(p, b.tail)
		b.tail = b.tail[n:]
		return n, nil
	}
	return 0, io.EOF
}
