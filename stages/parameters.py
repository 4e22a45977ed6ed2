"""What else says what params.yaml means: `python -m stages.parameters` writes the tables of README.md and a schema.

Not a stage. Both are made of the models in batchwise/config/ and of the plug-ins. The schema is for editors, and
`python -m batchwise check` writes it too, so that they know a new plug-in.
"""

from batchwise.common.errors import UserError
from batchwise.common.exits import exit_with
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT, text_of
from batchwise.config import key_tables, schema

README = ROOT / "README.md"
BEGIN, END = "<!-- Written by `python -m stages.parameters`: -->", "<!-- until here -->"


def main() -> None:
    """Write the schema, and the tables between their marks."""
    write_bytes(schema.FILE, schema.as_bytes())
    write_bytes(README, with_tables(text_of(README), key_tables.as_markdown()).encode())


def with_tables(readme: str, tables: str) -> str:
    """Return the text of README.md with other tables. Raises UserError if it has not both marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"README.md has not both of the lines {BEGIN} and {END}, between which the tables belong")
    return f"{before}{begin}\n\n{tables}\n\n{end}{after}"


if __name__ == "__main__":
    exit_with(main)
