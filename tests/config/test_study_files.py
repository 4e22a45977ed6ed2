"""A study in a file of its own is the study of params.yaml, with the values of what is not given there."""

import pytest

from batchwise.common.repository import ROOT
from batchwise.config import params, study_files

STUDIES = {
    f"{folder}/{name}": study
    for folder in (".", "gallery/detection", "gallery/text", "paper", "paper/imagenet", "paper/small")
    for name, study in params.load(ROOT / folder / "params.yaml").studies.items()
}


@pytest.mark.parametrize("name", sorted(STUDIES))
def test_what_is_written_is_read_back(name, tmp_path) -> None:
    path = tmp_path / "study.json"
    path.write_bytes(study_files.as_bytes(STUDIES[name]))
    assert study_files.read(path) == STUDIES[name]
