"""`python -m bench.replay`: how many calls a replay plays in a second of processor time.

Each outage in `examples/outages` under a policy of one route and one of two; the best of some rounds.
"""

import argparse
import gc
import time
from pathlib import Path

from claude_sidecar.config.parse import parse_policy
from claude_sidecar.replay.outage_file import load_outage
from claude_sidecar.replay.play import play
from claude_sidecar.schema.compile import compile_policy

_EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
_POLICIES = ("single-key", "two-organisations")


def main() -> None:
    """Play, and print a row for each outage and policy, and their sum."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=3)
    rounds = asked.parse_args().rounds
    gc.freeze()
    gc.set_threshold(50_000)
    calls = sends = 0
    spent_s = 0.0
    for file in sorted((_EXAMPLES / "outages").glob("*.yaml")):
        outage = load_outage(file)
        for name in _POLICIES:
            policy = _EXAMPLES / f"{name}.yaml"
            snapshot = compile_policy(parse_policy(policy.read_bytes(), str(policy)))
            best_s = float("inf")
            for _ in range(rounds):
                began_s = time.process_time()
                course = play(outage, snapshot, 0)
                best_s = min(best_s, time.process_time() - began_s)
            sent = sum(course.sends().values())
            _tell(f"{file.stem} {name}", len(outage.calls), sent, best_s)
            calls, sends, spent_s = calls + len(outage.calls), sends + sent, spent_s + best_s
    _tell("all", calls, sends, spent_s)


def _tell(what: str, calls: int, sends: int, seconds: float) -> None:
    print(f"{what:40} {calls / seconds:10,.0f} calls/s {sends / seconds:10,.0f} sends/s", flush=True)


if __name__ == "__main__":
    main()
