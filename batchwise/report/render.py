"""A notebook becomes a page: papermill runs it, nbconvert and our template write it. Equal inputs, equal bytes."""

import base64
import hashlib
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import papermill
from nbconvert.exporters import TemplateExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode
from traitlets.config import Config

from batchwise.common.errors import UserError
from batchwise.report import downloads

# A kernel starts, and a cell of a report is done, in seconds, on a busy machine in minutes; one that hangs is stopped.
TIMEOUT = 3600  # seconds
# They would tell of a kernel's end before we do, and with a traceback at the end of the process.
SILENT = ("asyncio", "papermill")
# How nbconvert writes a heading: with a link to itself, which the table of contents makes needless.
HEADING = re.compile(r'<h2 id="([^"]*)">(.*?)<a class="anchor-link".*?</a></h2>')


def page(notebook: Path, parameters: dict[str, Any], template: Path, title: str) -> str:
    """Return the HTML of a notebook that is run with `parameters`, in the current directory.

    `template` is the folder with the nbconvert template, style.css and sort.js.
    Raises UserError if a cell does, of a missing table say, or if the kernel dies, and
    papermill.PapermillExecutionError if a cell fails.
    """
    return html(execute(notebook, parameters), template, title)


def execute(notebook: Path, parameters: dict[str, Any]) -> NotebookNode:
    """Return the notebook with its outputs, run by a new kernel in the current directory."""
    with TemporaryDirectory(prefix="batchwise-report-") as folder, _told(notebook):
        return papermill.execute_notebook(
            str(notebook),
            str(Path(folder) / "study.ipynb"),
            parameters,
            kernel_name="python3",
            progress_bar=False,
            request_save_on_cell_execute=False,  # nobody looks at the notebook meanwhile
            record_timing=False,  # times would make two renderings differ
            start_timeout=TIMEOUT,
            execution_timeout=TIMEOUT,
            iopub_timeout=TIMEOUT,  # of what a cell shows, after the cell: 4 seconds, else
            stderr_file=sys.stderr,
            cwd=str(Path.cwd()),
            shutdown_kernel="immediate",  # it holds nothing; a gentle end takes seconds, and prints about it
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        )


@contextmanager
def _told(notebook: Path) -> Iterator[None]:
    """Raise what a cell raised as UserError as such, and one for a kernel that died."""
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    except RuntimeError as error:  # what a cell raises comes as the other
        raise UserError(
            f"the process that runs {notebook.name} for the report ended too early ({error}); see whether the machine "
            "has the memory, and type the command again"
        ) from None
    except papermill.PapermillExecutionError as error:
        if error.ename == UserError.__name__:
            raise UserError(error.evalue) from None
        raise


def html(notebook: NotebookNode, template: Path, title: str) -> str:
    """Return the page of a notebook that has been run: its prose and the HTML of its outputs, without code."""
    exporter = TemplateExporter(
        template_name=template.name,
        extra_template_basedirs=[str(template.parent)],
        template_file="index.html.j2",
        filters={"prose": prose},
    )
    headings = [(index, match) for index, cell in enumerate(notebook.cells) for match in _headings(cell)]
    script = (template / "sort.js").read_text(encoding="utf-8")
    about = {
        "title": title,
        "name": re.sub(r"\W+", "-", title.partition(" · ")[0]),  # with which the names of downloaded files begin
        "style": (template / "style.css").read_text(encoding="utf-8"),
        "script": script,
        "policy": policy(f"\n{script}"),
        "first": headings[0][0],  # cells above the first heading are the top of the page
        "contents": [{"id": match[1], "title": match[2]} for _, match in headings],
    }
    return downloads.fitting(exporter.from_notebook_node(notebook, {"page": about})[0])


def prose(markdown: str) -> str:
    """Return the HTML of a markdown cell. Only the committed notebook's own text comes this way, never data."""
    return HEADING.sub(r'<h2 id="\1">\2</h2>', markdown2html(markdown)).strip()


def policy(script: str) -> str:
    """Return the Content-Security-Policy under which a page loads nothing and runs `script` alone."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _headings(cell: NotebookNode) -> list[re.Match[str]]:
    return list(HEADING.finditer(markdown2html(cell.source))) if cell.cell_type == "markdown" else []
