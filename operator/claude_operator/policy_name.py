"""What a ClaudePolicy may be called."""

import re

from claude_operator import names
from claude_sidecar.schema.fields import SUBDOMAIN_PATTERN


def is_policy_name(name: str) -> bool:
    """Whether a ClaudePolicy could have this name."""
    return len(name) <= names.POLICY_NAME_LONGEST and re.fullmatch(SUBDOMAIN_PATTERN, name) is not None
