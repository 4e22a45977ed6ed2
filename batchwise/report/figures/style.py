"""How figures look, and how one becomes SVG: the same bytes for the same figure, whatever the user's settings."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from matplotlib.transforms import Bbox
from matplotlib.typing import RcKeyType

from batchwise.report.number_format import shortest

INK, SOFT, FAINT = "#1b1f24", "#57606a", "#d0d7de"
BLUE, VERMILION = "#0b5394", "#b5460f"  # apart for every kind of colour vision, and 4.5:1 on white
EMPTY = "no value to draw"
# Dark to light: with these and the dashes, lines and bars are told apart without hue.
SEQUENCE = ("#2d1e3e", "#0b5394", "#13809a", "#b5460f", "#8a6d00")
DASHES = ((), (6, 2), (2, 1.5), (7, 2, 1.5, 2), (1, 2.5))
MARKERS = ("o", "s", "^", "D", "v")

# The browser draws the text. Layout uses DejaVu Sans, which comes with matplotlib and is wider than these.
FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','DejaVu Sans','Noto Sans',Arial,sans-serif"
RC: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "batchwise",
    "text.parse_math": False,  # a $ in a name is a $
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8ebef",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "hatch.linewidth": 0.7,
    "figure.facecolor": "white",
    "path.simplify": True,
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the project's style, and in nothing of the user's matplotlibrc.

    Letters that DejaVu Sans lacks, of names say, are no reason for a warning: the browser has fonts with them.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def panels(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure of `width` × `height` inches and its axes; 1 inch is 96 px on the page."""
    figure = Figure((width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(np.ravel(axes))


def svg(figure: Figure) -> str:
    """Return the figure as SVG text, without a date and with the fonts of the page: equal figures give equal bytes.

    Axes without a value say so instead; a figure of such axes alone is no figure: its text is empty.
    """
    if not has_values(figure):
        return ""
    for ax in figure.axes:
        _write_large_numbers(ax)
    if layout := figure.get_layout_engine():
        layout.execute(figure)
    figure.set_layout_engine("none")
    for ax in figure.axes:  # the layout's last digits are not the same each time, and the ids of clips are made of them
        ax.set_position(Bbox.from_bounds(*(round(bound, 6) for bound in ax.get_position().bounds)))
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    return _short(text[text.index("<svg") :])  # without the address of a document type


def _write_large_numbers(ax: Axes) -> None:
    """Write numbers from 1,000 on along y as the page does, not as a factor of a power of ten above the axes."""
    if isinstance(ax.yaxis.get_major_formatter(), ScalarFormatter) and max(map(abs, ax.get_ylim())) >= 1000:
        ax.yaxis.set_major_formatter(lambda value, _: shortest(value))


def _short(text: str) -> str:
    """Return SVG in four fifths of the bytes: the fonts named once, no indentation, no turns by nothing."""
    start = '<style type="text/css">'
    text = re.sub(r"font-family: 'DejaVu Sans'(; )?", "", text)
    text = text.replace(start, f"{start}text{{font-family: {FONTS}}}", 1)
    return re.sub(r"\n +", "\n", re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", text))


def legend_entries(axes: Sequence[Axes]) -> tuple[list[Artist], list[str]]:
    """Return the handles and labels of several axes, each label once."""
    found: dict[str, Artist] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return [*found.values()], [*found]


def set_log(ax: Axes, *names: str, base: float = 10) -> None:
    """Make the named axes, x or y, logarithmic if what is drawn there holds a power of the base, which has a label."""
    drawn = {"x": (ax.dataLim.minposx, ax.dataLim.xmax), "y": (ax.dataLim.minposy, ax.dataLim.ymax)}
    for name in names:
        low, high = drawn[name]
        if 0 < low <= high < np.inf and np.floor(_log(high, base)) >= np.ceil(_log(low, base)):
            getattr(ax, f"set_{name}scale")("log", base=base)
            getattr(ax, f"{name}axis").set_minor_formatter(NullFormatter())  # labels are for powers, and no formulas


def _log(value: float, base: float) -> float:
    return round(float(np.log(value) / np.log(base)), 9)


def has_values(figure: Figure) -> bool:
    """Return whether axes of a figure have a value; those that have none say so."""
    shown = [ax for ax in figure.axes if ax.axison]
    empty = [ax for ax in shown if _is_empty(ax)]
    for ax in empty:
        _say_empty(ax)
    return len(empty) < len(shown)


def _is_empty(ax: Axes) -> bool:
    """Return whether nothing that was drawn has a place: no finite point, no text."""
    return not ax.texts and not np.isfinite(ax.dataLim.extents).all()


def _say_empty(ax: Axes) -> None:
    """Put a sentence in the place of axes, below their title."""
    name = "" if ax.get_title(loc="left") else f"{ax.get_ylabel()}\n"
    if legend := ax.get_legend():
        legend.remove()
    ax.set_axis_off()
    ax.text(0.5, 0.5, f"{name}{EMPTY}", ha="center", va="center", color=SOFT, transform=ax.transAxes)
