"""How much of a limit is left, as its last answer told."""

import pytest

from claude_sidecar.policy.rate_limits import Bucket


@pytest.mark.parametrize(
    ("bucket", "left"),
    [
        (Bucket(limit=50, remaining=5), 0.1),
        (Bucket(limit=50, remaining=0), 0.0),
        (Bucket(limit=50, remaining=60), 1.0),
        (Bucket(limit=50, remaining=5, reset_s=100.1), 0.1),
        (Bucket(limit=50, remaining=5, reset_s=100.0), 1.0),
        (Bucket(limit=50), None),
        (Bucket(remaining=5), None),
        (Bucket(limit=0, remaining=0), None),
        (Bucket(), None),
    ],
)
def test_share_left_is_that_of_the_last_answer_until_its_reset(bucket: Bucket, left: float | None) -> None:
    assert bucket.share_left(unix_s=100.0) == left
