"""Wall time that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class Wall:
    """Begins with the year 2030."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def move(self, **by: float) -> None:
        """Let time pass, `move(days=1)`."""
        self.now += timedelta(**by)
