"""Helm 4 is the same version wherever it comes from."""

import subprocess

import pytest

from helm_programs import HELM4_VERSION, helm4


@pytest.mark.helm
def test_version_that_is_downloaded_is_the_one_in_the_locked_package() -> None:
    asked = [helm4(), "version", "--template", "{{.Version}}"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    assert said == HELM4_VERSION, "name this one in tools/helm_programs.py: releases are downloaded by it"
