"""A policy by itself: from the bytes of a file, or plain data, to the policy or to all that is wrong with it.

Knows nothing of the process: no files, variables or credentials. The operator judges by this alone.
"""

from typing import Any

from pydantic import ValidationError

from claude_sidecar.config.problem import WHOLE_FILE, PolicyInvalid, Problem
from claude_sidecar.config.yaml_tree import Refused, Tree, read_tree
from claude_sidecar.schema.claude_policy import ClaudePolicy
from claude_sidecar.schema.cross_field import violations

MAX_FILE_BYTES = 1024 * 1024


def parse_policy(content: bytes, file: str) -> ClaudePolicy:
    """Check a policy by itself, without looking for its credentials; raises PolicyInvalid.

    file: what messages call it.
    """
    return validated(tree_of(content, file))


def parse_data(data: Any, file: str) -> ClaudePolicy:
    """Like `parse_policy`, for a policy that is plain data already, as from an API server.

    file: what messages call it; they all say line 1.
    """
    return validated(Tree(file, data))


def tree_of(content: bytes, file: str) -> Tree:
    """A file as plain data that knows its lines; raises PolicyInvalid where it is no such YAML."""
    if len(content) > MAX_FILE_BYTES:
        message = f"is larger than a policy may be; allowed: {MAX_FILE_BYTES // 1024} KiB"
        raise PolicyInvalid([Problem(file, 1, WHOLE_FILE, message)])
    try:
        return read_tree(content.decode("utf-8-sig"), file)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = "is not text in UTF-8; save it as UTF-8"
        raise PolicyInvalid([Problem(file, line, WHOLE_FILE, message)]) from None
    except Refused as refused:
        raise PolicyInvalid([Problem(file, refused.line, WHOLE_FILE, refused.message)]) from None


def validated(tree: Tree) -> ClaudePolicy:
    """The policy in a tree; raises PolicyInvalid with the faults of YAML, fields and rules together."""
    if not isinstance(tree.data, dict):
        tree.problem((), "must be a mapping with apiVersion, kind, metadata and spec")
        raise PolicyInvalid(tree.problems)
    policy = None
    try:
        policy = ClaudePolicy.model_validate(tree.data)
    except ValidationError as invalid:
        # Only the first wrong policy needs the words, the model's schema among them.
        from claude_sidecar.config.complaint import complaint

        for error in invalid.errors(include_url=False):
            if error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]:
                continue  # pydantic counts the good items of a list; the bad ones have their own errors
            loc = error["loc"]
            text = complaint(error["type"], loc, error["input"], error.get("ctx", {}), tree.spelling.get(loc))
            tree.problem(loc, text)
        # The model judges the rules only once all fields are right; a person wants to know both at once.
        for violation in violations(tree.data.get("spec")):
            tree.problem(("spec", *violation.loc), violation.message)
    if policy is None or tree.problems:
        raise PolicyInvalid(tree.problems)
    return policy
