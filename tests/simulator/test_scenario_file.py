"""Scenario files: what is wrong is told with its line and what is allowed."""

from pathlib import Path

import pytest

from claude_sidecar.simulator import Scenario, ScenarioError, load, parse


def test_empty_text_is_a_healthy_api():
    assert parse(b"") == Scenario()


def test_json_is_taken_too():
    assert parse(b'{"rules": [{"status": 529}]}').rules[0].status == 529


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed: 1\nrule: []\n", "s:2: rule: unknown field; did you mean rules?"),
        (
            "rules:\n  - match:\n      modle: x\n",
            "s:3: rules.0.match.modle: unknown field; did you mean model?",
        ),
        ("rules:\n  - status: 99\n", "s:2: rules.0.status: Input should be greater than or equal to 200"),
        (
            "rules:\n  - {}\n  - {mode: slow}\n",
            "s:3: rules.1.mode: Input should be 'clean', 'cut' or 'reset'",
        ),
        ("keys:\n- name: a\n", "s:2: keys.0.key: Field required"),
        ("keys: [{name: a, key: x}, {name: a, key: y}]", "s:1: two keys have one name"),
        (
            "record_headers: [X-Api-Key]",
            "s:1: record_headers: x-api-key holds a secret and is never recorded",
        ),
        (
            "answer: {output_tokens: [5, 1]}",
            "s:1: answer: output_tokens is 1 or more, the least before the most",
        ),
        (
            "rules:\n  - headers: {a: true}\n",
            "s:2: rules.0.headers: the value of 'a' is text or a number; quote it",
        ),
        (
            'rules:\n  - headers: {a: "b\\nc"}\n',
            "s:2: rules.0.headers: header 'a' must not hold a line break",
        ),
        ("rules: [{stall_at_event: 1, match: {stream: false}}]", "s:1: rules.0: *_at_event is for streams"),
        (
            "rules: [{early: true, status: 500, match: {model: x}}]",
            "s:1: rules.0: early answers before the body",
        ),
        ("rules: [{early: true}]", "s:1: rules.0: early needs a status"),
        (
            "rules: [{match: {call: often}}]",
            "s:1: rules.0.match.call: a number, a list of numbers, '2..5', '3..' or 'every 3' is wanted",
        ),
        ("rules: [{stall: long}]", "s:1: rules.0.stall: seconds or forever is wanted"),
        ("rules:\n  - status: 500\n    status: 529\n", "s:3: status: given twice"),
        ("rules: &r [*r]", "s:1: rules.0: "),
        ("a: [", "s:1: not YAML: expected the node content"),
        ("a: 1\n---\nb: 2\n", "s:2: not YAML: but found another document"),
        ("[1]", "s:1: a mapping is wanted, with any of seed, unknown_keys, keys"),
    ],
)
def test_problem_is_told_with_line_path_and_remedy(text, problem):
    with pytest.raises(ScenarioError) as caught:
        parse(text.encode(), "s")
    assert caught.value.problems[0].startswith(problem)


def test_every_problem_is_told_in_the_order_of_lines():
    with pytest.raises(ScenarioError) as caught:
        parse(b"rules:\n  - {status: 1}\nseed: x\nlimits: {rpm: 0}\n", "s")
    assert [problem.split(":")[1] for problem in caught.value.problems] == ["2", "3", "4"]


def test_problem_does_not_show_the_key():
    with pytest.raises(ScenarioError) as caught:
        parse(b"keys:\n  - {name: a, key: [sk-ant-api03-s3cret]}\n")
    assert "s3cret" not in str(caught.value)


def test_file_that_is_missing_or_not_text_is_told(tmp_path: Path):
    with pytest.raises(ScenarioError, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load(tmp_path / "binary.yaml")
