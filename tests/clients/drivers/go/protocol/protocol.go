// Package protocol reads what is asked and prints what came of it: see ../../README.md.
package protocol

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"time"
)

// Asked is what standard input holds.
type Asked struct {
	BaseURL    string  `json:"base_url"`
	Key        string  `json:"key"`
	MaxRetries *int    `json:"max_retries"`
	ReadS      float64 `json:"read_timeout_s"`
	Scenes     []Scene `json:"scenes"`
}

// Scene is one thing to do.
type Scene struct {
	Name    string            `json:"name"`
	Do      string            `json:"do"`
	Model   string            `json:"model"`
	Headers map[string]string `json:"headers"`
}

// reader gives up on a connection that says nothing for too long.
type reader struct {
	net.Conn
	patience time.Duration
}

func (r reader) Read(into []byte) (int, error) {
	if err := r.SetReadDeadline(time.Now().Add(r.patience)); err != nil {
		return 0, err
	}
	return r.Conn.Read(into)
}

// Client is an HTTP client whose reads time out after `read_timeout_s`, nil where none is asked for.
func (asked Asked) Client() *http.Client {
	if asked.ReadS == 0 {
		return nil
	}
	patience := time.Duration(asked.ReadS * float64(time.Second))
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return reader{conn, patience}, err
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}}
}

// Failure is an error as the SDK gives it.
type Failure struct {
	Class     string  `json:"class"`
	Status    *int    `json:"status"`
	Type      string  `json:"type"`
	RequestID *string `json:"request_id"`
}

// Facts is what the SDK made of an answer.
type Facts map[string]any

// Read gives what standard input asks for.
func Read() Asked {
	var asked Asked
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	for i := range asked.Scenes {
		if asked.Scenes[i].Model == "" {
			asked.Scenes[i].Model = "claude-sonnet-4-6"
		}
	}
	return asked
}

// Print writes one line for a scene.
func Print(scene Scene, made Facts, failure *Failure, answer *http.Response) {
	line := Facts{"name": scene.Name, "route": nil, "attempts": nil, "cause": nil}
	if failure != nil {
		line["error"] = failure
	} else {
		line["ok"] = made
	}
	if answer != nil {
		for _, name := range []string{"route", "attempts", "cause"} {
			if value := answer.Header.Get("x-claude-sidecar-" + name); value != "" {
				line[name] = value
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		panic(err)
	}
}
