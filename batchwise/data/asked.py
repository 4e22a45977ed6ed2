"""What preprocess is asked for: data sets, the files that they read, what studies take of them; and what is there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchwise.common.errors import UserError
from batchwise.config import data_set_entries
from batchwise.data import preparation, prepared
from batchwise.data.dataset import DataSet
from batchwise.data.local_files import LocalFile


@dataclass(frozen=True)
class Asked:
    """What is asked for: {data set: its entry in params.yaml}, {study: what it takes} and {name: file}."""

    data_sets: dict[str, dict[str, Any]]
    studies: dict[str, dict[str, Any]]
    files: dict[str, LocalFile]

    def plugin(self, name: str) -> str:
        """Return the name of the plug-in that prepares a data set."""
        return data_set_entries.plugin(name, self.data_sets[name])

    def given(self, name: str) -> dict[str, LocalFile]:
        """Return {option: file} of a data set. Raises UserError as plugins.options does."""
        keys = data_set_entries.file_keys(name, self.data_sets[name])
        return {option: self.files[key] for option, key in keys.items()}

    def weights(self, study: str) -> LocalFile | None:
        """Return the file of the weights that a study starts from, if it names one."""
        name = self.studies[study].get("weights")
        return self.files[name] if name else None

    def prepare(self, name: str) -> DataSet:
        """Return a data set as its plug-in prepares it now. Raises UserError as preparation.prepare does."""
        return preparation.prepare(name, self.data_sets[name], self.given(name))

    def kept(self, folder: Path, name: str) -> DataSet | None:
        """Return a data set that was prepared from the same, if its files in a folder are whole."""
        return prepared.kept(folder, name, self.data_sets[name], self.plugin(name), self._sums(name))

    def is_there(self, folder: Path, name: str) -> bool:
        """Return whether the manifest in a folder says that a data set was prepared from the same."""
        try:
            about = prepared.read(folder, name)
            return prepared.is_current(about, self.plugin(name), self.data_sets[name], self._sums(name))
        except UserError:
            return False

    def _sums(self, name: str) -> dict[str, str]:
        return {file.label: file.sha256 for file in self.given(name).values()}

    def is_part_there(self, folder: Path, study: str) -> bool:
        """Return whether what a study takes was written, from the same weights and a data set that is current."""
        wanted = self.studies[study]
        try:
            about = prepared.read_part(folder, study)
            same = about["asked"] == wanted and prepared.weights_of(about) == self.weights(study)
            return same and self.is_there(folder, wanted["data_set"])
        except UserError:
            return False
