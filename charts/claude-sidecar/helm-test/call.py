"""What the pod of `helm test` runs: a call through the sidecar, until the test's policy is in force in it."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

WITHIN_S = 150  # a kubelet may look at a ConfigMap that came late only after 90 s

base = os.environ.get("ANTHROPIC_BASE_URL")
if not base:
    sys.exit("no sidecar was injected into this pod: look at the webhook's log")
body = {"model": "claude-sonnet-4-6", "max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}
headers = {
    "x-api-key": "sk-ant-api03-helm-test",
    "anthropic-version": "2023-06-01",
    "content-type": "application/json",
}
last = time.monotonic() + WITHIN_S
while True:
    call = urllib.request.Request(f"{base}/v1/messages", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(call, timeout=10) as answer:
            route, said = answer.headers["x-claude-sidecar-route"], json.load(answer)
        if route == "simulated" and said["type"] == "message":
            print(f"the call went through the sidecar, route {route}, and was answered")
            sys.exit(0)
        trouble = f"answered by route {route}"
    except urllib.error.HTTPError as error:
        trouble = f"{error.code} {error.read(300)!r}"
    except OSError as error:
        trouble = repr(error)
    if time.monotonic() > last:
        sys.exit(f"no call was answered by the simulated upstream within {WITHIN_S} s; the last: {trouble}")
    time.sleep(1)
