module claude-sidecar.dev/bench

go 1.22
