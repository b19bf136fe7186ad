"""What commands share."""

import importlib

import pytest

from edmlive.cli.common import extra
from edmlive.errors import UserError


def test_missing_package_is_told_with_the_way_to_get_it() -> None:
    words = r"^OSC .*'no_such_package'.* pip install 'edmlive\[osc\]'\.$"
    with pytest.raises(UserError, match=words), extra("osc", "OSC"):
        importlib.import_module("no_such_package.part")
