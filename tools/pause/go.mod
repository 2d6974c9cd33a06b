module claude-sidecar.dev/tools/pause

go 1.23
