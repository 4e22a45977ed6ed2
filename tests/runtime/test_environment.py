"""What decides bits is told apart, and pins that are not what is installed are refused."""

from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.runtime.environment import check_pins, differences

FACTS = st.dictionaries(st.sampled_from(["keras", "numpy", "device"]), st.text("ab", min_size=1))


def test_the_pins_of_the_project_are_installed() -> None:
    check_pins((ROOT / "requirements-train.in").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "numpy==1.0",
            f"{version('numpy')} of numpy is installed, and requirements-train.in names 1.0; run `make setup`",
        ),
        ("numpy == 1.0 ", f"{version('numpy')} of numpy is installed, and requirements-train.in names 1.0;"),
        ("not-there==2", "no version of not-there is installed, and requirements-train.in names 2;"),
    ],
)
def test_another_version_is_refused(line, words) -> None:
    with pytest.raises(UserError) as raised:
        check_pins(f"# a comment\n{line}\n")
    assert words in str(raised.value)


@given(FACTS, FACTS)
def test_differences_name_what_is_not_the_same(before, now) -> None:
    names = [line.split(":")[0] for line in differences(before, now)]
    assert names == sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    assert names == [line.split(":")[0] for line in differences(now, before)]
