// Package protocol reads what is asked and prints what came of it: see ../../README.md.
package protocol

import (
	"encoding/json"
	"net/http"
	"os"
)

// Asked is what standard input holds.
type Asked struct {
	BaseURL    string  `json:"base_url"`
	Key        string  `json:"key"`
	MaxRetries *int    `json:"max_retries"`
	Scenes     []Scene `json:"scenes"`
}

// Scene is one thing to do.
type Scene struct {
	Name    string            `json:"name"`
	Do      string            `json:"do"`
	Model   string            `json:"model"`
	Headers map[string]string `json:"headers"`
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
