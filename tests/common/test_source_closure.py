"""The files that a stage is made of are parsed; one that is not Python in UTF-8 is a sentence with its line."""

import pytest

from batchwise.common import source_closure
from batchwise.common.errors import UserError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"import os\ndef build(:\n", "mine.py, line 2: this is not Python: invalid syntax"),
        (b"import os\n# \xe9", "mine.py, line 2: this is not UTF-8 text; save the file in that encoding"),
        (b"import os\n\0", "mine.py: this is not Python"),
    ],
)
def test_a_file_that_is_not_python(tmp_path, monkeypatch, content, words) -> None:
    monkeypatch.setattr(source_closure, "ROOT", tmp_path)
    (tmp_path / "mine.py").write_bytes(content)
    (tmp_path / "stage.py").write_text("import mine", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        source_closure.closure("stage.py")
    assert words in str(caught.value)
