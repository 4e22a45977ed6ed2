"""The part of a study's report about memory by rows and tokens."""

from batchwise.analysis import memory_by_length
from batchwise.data.lengths import PIXEL, TOKEN
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.report.figures import memory as memory_figures
from batchwise.report.html import Html, figure, items, join, paragraph, table
from batchwise.report.number_format import memory
from batchwise.report.sentences import memory as sentences

HELD = {TOKEN: "4 bytes", PIXEL: "a byte of each channel"}
LIMITS = [4e9, 16e9]  # bytes, beside that of the study


def by_length(profile: Profile) -> list[Html]:
    """Return what an update takes at each length, which m fits, and what saves memory; nothing if not measured."""
    found = memory_by_length.of_profile(profile)
    if found is None:
        return []
    fit, ends, lanes = sentences.fit(found), sentences.ends(found), profile.machine.get("lanes", 1)
    in_lanes = f", with all {lanes} lanes" if lanes > 1 else ""
    longest, limits = max(found.lengths), [memory(limit) for limit in [found.limit, *LIMITS]]
    return [
        join(
            paragraph(f"{fit} {ends}", "finding"),
            items([*(sentences.saves(found, other) for other in found.others), *sentences.evaluation(found)]),
            figure(
                memory_figures.fit(found),
                f"Memory of an update by its {found.unit}s. {fit}",
                f"Each update in a process of its own{in_lanes}; below, how far it is from the fit. Intervals are "
                f"95 %. Data that are held in memory come on top, {HELD[found.unit]} for each {found.unit} of each "
                "row, and so does their evaluation.",
                "narrow",
            ),
            figure(
                memory_figures.largest(found, LIMITS),
                f"Largest batch size that fits by length. {ends}",
                "Found by trying at the limit that the system held each process to, and by the fit for other limits. "
                "Of the slope −1, twice as much of a row has half the rows.",
                "narrow",
            ),
            table(
                "Largest batch size that fits, as it was found, and by the fit",
                ["T", f"fits {limits[0]}", "ends", *(f"{limit}, by the fit" for limit in limits)],
                sentences.largest(found, LIMITS),
                "numbers",
            ),
            table(
                f"What saves memory; the largest m is that of T = {longest} with {limits[0]}, by the fit",
                ["type", f"KiB a {found.unit}", "row: times the memory", "times as long", "largest m", "updates"],
                sentences.kinds(found, found.limit),
                "numbers",
            ),
        )
    ]
