"""What is told when the packages of an extra are missing."""

import importlib

import pytest

from edmlive.cli.common import extra
from edmlive.errors import UserError


def test_missing_package_is_told_with_the_way_to_get_it() -> None:
    with (
        pytest.raises(UserError, match=r"^OSC needs the package 'no_such_package': pip install 'edmlive\[osc\]'\.$"),
        extra("osc", "OSC"),
    ):
        importlib.import_module("no_such_package.part")
