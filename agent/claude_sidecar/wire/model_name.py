"""A model's name as the caller wrote it, made fit to be shown."""

import re

OTHER = "_other"
_NAME = re.compile(r"[A-Za-z0-9._:@/-]{1,128}")


def shown_model(model: str | None) -> str | None:
    """The name, or `_other` for what is none: callers choose it, and who swaps two variables sends a key."""
    if model is None:
        return None
    return model if _NAME.fullmatch(model) and "sk-ant" not in model.lower() else OTHER
